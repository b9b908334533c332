/** All unit tests in one process, each file a suite: a process of its own would take 0.4 s of processor time for each. */
import { readdirSync } from 'node:fs'
import { describe } from 'node:test'

for (const file of readdirSync(import.meta.dirname).filter((name) => name.endsWith('.test.mts')))
  describe(`unit/${file.replace('.test.mts', '')}`, async () => {
    await import(`./${file}`)
  })
