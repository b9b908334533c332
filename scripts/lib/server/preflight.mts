/** Can this server take the deployment? Facts are gathered by one script that changes nothing, then judged. */

import { OperatorError } from '../cli/errors.mts'
import type { StackConfig } from '../config/config.mts'
import type { Host } from '../host/host.mts'
import { remote, type Script } from '../host/shell.mts'

/** Megabytes. PostgreSQL, Redis, nginx and two replicas take about 400; below this the first build starves. */
const MEMORY_MB = 700
/** Megabytes. One more release, logs and data. */
const DISK_MB = 1024
/** Megabytes. A base image, and what making it takes. */
const IMAGE_MB = 768
/** Megabytes. The Docker Engine and all base images, where there is none yet. */
const FIRST_MB = 4 * 1024

/** What the packages of these distributions are known to give. */
const SUPPORTED: Record<string, string[]> = { debian: ['12', '13'], ubuntu: ['24.04'] }

export interface Facts {
  distribution: string
  version: string
  pretty: string
  memoryMb: number
  diskMb: number
  /** How many base images this run has to make or pull; absent: all of them. */
  missing?: number
  /** Ports among ours that somebody listens on: who, and whether it is this deployment. */
  ports: { port: number; holder: string; ours: boolean }[]
}

/** Names of the base images, by the mode that they may come in. */
interface Needed {
  registry: string[]
  debian: string[]
}

/**
 * Refuses a server that cannot take the deployment, with everything that is wrong with it.
 * @param images those of either mode; without them all will be made or pulled anew
 * @throws OperatorError; nothing was touched
 */
export async function preflight(host: Host, stack: StackConfig, images?: Needed): Promise<string> {
  const facts = parseFacts(await host.run('Looking at the server', gather(stack, images)))
  const problems = judge(facts)
  if (problems.length === 0)
    return `${facts.pretty}, ${facts.memoryMb} MB of memory, ${Math.floor(facts.diskMb / 1024)} GB free`
  throw new OperatorError(
    `${host.name} cannot take the deployment yet:\n${problems.map((problem) => `    - ${problem}`).join('\n')}`,
    'Put that right and run again.',
    'nothing was changed.',
  )
}

/** What is wrong, a sentence with its remedy each; empty when all is well. */
export function judge(facts: Facts): string[] {
  const problems: string[] = []
  if (!SUPPORTED[facts.distribution]?.includes(facts.version))
    problems.push(
      `${facts.pretty || 'An unknown system'} is not supported: use Debian 12 or 13, or Ubuntu 24.04.`,
    )
  if (facts.memoryMb < MEMORY_MB)
    problems.push(`${facts.memoryMb} MB of memory are too little: give it at least ${MEMORY_MB} MB.`)
  const disk = DISK_MB + (facts.missing === undefined ? FIRST_MB : facts.missing * IMAGE_MB)
  if (facts.diskMb < disk)
    problems.push(
      `${facts.diskMb} MB of free disk are too little: free ${disk} MB (apt-get clean; docker image prune).`,
    )
  for (const { port, holder, ours } of facts.ports)
    if (!ours)
      problems.push(
        `Port ${port} is taken by ${holder || 'another program'}: stop it, or choose another port in config/stack.yaml.`,
      )
  return problems
}

export function parseFacts(output: string): Facts {
  const lines = output.split('\n').map((line) => line.split('\t'))
  const value = (key: string) => lines.find(([name]) => name === key)?.[1] ?? ''
  const ports = lines.filter(([name]) => name === 'port')
  return {
    distribution: value('distribution'),
    version: value('version'),
    pretty: value('pretty'),
    memoryMb: Number(value('memory')),
    diskMb: Number(value('disk')),
    ...(value('missing') && { missing: Number(value('missing')) }),
    ports: ports.map(([, port, holder = '', ours]) => ({
      port: Number(port),
      holder,
      ours: ours === 'ours',
    })),
  }
}

export function gather(stack: StackConfig, images?: Needed): Script {
  const { http, https, db } = stack.ports
  return remote('preflight', {
    project: stack.project,
    ports: [http, https, db],
    fresh: !images,
    registry: images?.registry ?? [],
    debian: images?.debian ?? [],
  })
}
