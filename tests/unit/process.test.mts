/** Two programs, of which one feeds the other. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { feed, start } from '../../scripts/lib/host/process.mts'

test('one that ends later than what it feeds keeps its exit code', async () => {
  const late = feed(['sh', '-c', 'echo said; exec >&-; sleep 0.5; exit 3'], '', start(['cat']))
  assert.equal((await late).exitCode, 3)
})

test('one that feeds a program that has ended early is killed', async () => {
  const silent = feed(['sleep', '600'], '', start(['true']))
  assert.equal((await silent).exitCode, null)
})
