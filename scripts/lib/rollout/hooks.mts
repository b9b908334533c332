/** Commands of the operator's own, run here before and after a rollout. */
import { spawn } from 'node:child_process'
import process from 'node:process'
import { OperatorError } from '../cli/errors.mts'
import { say, warn } from '../cli/say.mts'
import { ROOT, type StackConfig } from '../config/config.mts'
import type { Host } from '../host/host.mts'
import type { Proof } from '../proof/proof.mts'
import type { About } from '../proof/sentence.mts'

/** Milliseconds. The lock is held meanwhile. */
const DEADLINE = 600_000

/**
 * Runs a hook, where the configuration has one; what it prints is shown.
 * @param proof of a rollout that has ended: then a hook that fails is told and changes nothing
 * @throws OperatorError when one fails that comes before
 */
export async function runHook(
  host: Host,
  stack: StackConfig,
  hook: keyof StackConfig['hooks'],
  about: About,
  proof?: Pick<Proof, 'result' | 'summary' | 'report'>,
): Promise<void> {
  const command = stack.hooks[hook]
  if (!command) return
  say(`hook ${hook}: ${command}`)
  const end = await run(command, variables(host, about, proof))
  if (!end) return
  const what = `The hook ${hook} (config/stack.yaml: hooks) ${end}`
  if (proof) return warn(`${what}; the rollout is done all the same.`)
  throw new OperatorError(
    `${what}, so the rollout does not begin`,
    'See what it says above, then the same command again.',
    'what runs was not touched.',
  )
}

/** What a hook is told. */
function variables(
  host: Pick<Host, 'address'>,
  { from, to }: About,
  proof?: Pick<Proof, 'result' | 'summary' | 'report'>,
): Record<string, string> {
  const before = { ROLLOUT_HOST: host.address, ROLLOUT_FROM: from, ROLLOUT_RELEASE: to }
  if (!proof) return before
  return {
    ...before,
    ROLLOUT_RESULT: proof.result,
    ROLLOUT_REQUESTS: String(proof.summary?.requests ?? ''),
    ROLLOUT_FAILURES: String(proof.summary?.failed.length ?? ''),
    ROLLOUT_REPORT: proof.report,
  }
}

/** @returns how it failed; empty when it did not */
function run(command: string, told: Record<string, string>): Promise<string> {
  // Standard output is for results.
  const child = spawn('/bin/sh', ['-c', command], {
    cwd: ROOT,
    env: { ...process.env, ...told },
    stdio: ['ignore', 2, 2],
    timeout: DEADLINE,
  })
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(`cannot be started: ${error.message}`))
    child.once('close', (code, signal) => {
      if (code === 0) resolve('')
      else resolve(signal ? `was ended by ${signal}` : `failed with exit code ${code}`)
    })
  })
}
