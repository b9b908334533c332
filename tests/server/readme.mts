/** README.md from its beginning to its end, and docs/operations.md on the way, as somebody who types all of it. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import { ROOT } from '../../scripts/lib/config/config.mts'
import { type Output, stepsOf } from '../lib/blocks.mts'
import { missing, missingAnywhere } from '../lib/samples.mts'
import type { Reader } from './reader.mts'

const STEPS = stepsOf('README.md', (page) => readFileSync(path.join(ROOT, page), 'utf8'))

function compare({ place, prints, anyOrder }: Pick<Output, 'place' | 'prints' | 'anyOrder'>, output: string) {
  assert.equal((anyOrder ? missingAnywhere : missing)(prints, output), '', place)
}

/**
 * Registers the tests, in parts, so that others come in between.
 * @param at who types it, at a server that is bare
 */
export function readme(at: () => Reader) {
  /** What a chat would be told. */
  let chat: Server
  const told: string[] = []
  before(async () => {
    chat = createServer(async (request, response) => {
      told.push(await text(request))
      response.end('ok')
    }).listen(0, '127.0.0.1')
    await once(chat, 'listening')
  })
  after(() => chat?.close())
  const webhook = () => `http://127.0.0.1:${(chat.address() as AddressInfo).port}/`

  const left = [...STEPS]
  return {
    /** What is left to be typed before this command; without one, all that is left. */
    before(command?: string): void {
      const next = left.findIndex((step) => step.kind === 'command' && step.command === command)
      assert.ok(next >= 0 || !command, `README.md has no command ${command}`)
      for (const step of left.splice(0, command ? next : left.length))
        if (step.kind === 'settings') test(`${step.place}: settings`, () => at().settings(step.yaml))
        else if (step.kind === 'command')
          test(`${step.place}: ${step.command}`, async () => {
            const output = await at().do(step, { CHAT_WEBHOOK: webhook() })
            if (step.prints) compare({ ...step, prints: step.prints }, output)
          })
    },

    /** What is shown away from its command, often before it. */
    shown(): void {
      for (const step of STEPS)
        if (step.kind === 'output')
          test(`${step.place}: what ${step.of} prints`, () => compare(step, at().printed(step.of)))

      test('the chat was told of the rollouts', () => {
        assert.match(told.join('\n'), /released, 0 failed/)
      })
    },
  }
}
