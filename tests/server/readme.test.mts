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
import { Reader } from './reader.mts'

let reader: Reader
/** What a chat would be told. */
let chat: Server
const told: string[] = []
/** What each command printed, the last time. */
const printed = new Map<string, string>()

before(async () => {
  chat = createServer(async (request, response) => {
    told.push(await text(request))
    response.end('ok')
  }).listen(0, '127.0.0.1')
  await once(chat, 'listening')
  reader = await Reader.begin()
})
after(async () => {
  chat?.close()
  await reader?.remove()
})

const webhook = () => `http://127.0.0.1:${(chat.address() as AddressInfo).port}/`

/** What stands before its command is compared at the end. */
const later: Output[] = []

function compare(
  { place, prints, anyOrder }: Pick<Output, 'place' | 'prints' | 'anyOrder'>,
  output = '',
): void {
  assert.equal((anyOrder ? missingAnywhere : missing)(prints, output), '', place)
}

for (const step of stepsOf('README.md', (page) => readFileSync(path.join(ROOT, page), 'utf8')))
  if (step.kind === 'settings') test(`${step.place}: settings`, () => reader.settings(step.yaml))
  else if (step.kind === 'output')
    test(`${step.place}: what ${step.of} prints`, () => {
      if (printed.has(step.of)) compare(step, printed.get(step.of))
      else later.push(step)
    })
  else
    test(`${step.place}: ${step.command}`, async () => {
      const output = await reader.do(step, { CHAT_WEBHOOK: webhook() })
      printed.set(step.command, output)
      if (step.prints) compare({ ...step, prints: step.prints }, output)
    })

test('what stands before its command', () => {
  for (const output of later) compare(output, printed.get(output.of))
})

test('the chat was told of the rollouts', () => {
  assert.match(told.join('\n'), /released, 0 failed/)
})
