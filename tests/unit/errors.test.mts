/** What a person reads when something went wrong. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { CommandError, indent, lastLines, OperatorError } from '../../scripts/lib/errors.mts'

test('an operator’s error says what, in which state, and what to type next; no stack trace', () => {
  assert.equal(
    inspect(new OperatorError('Port 80 is taken', 'stop apache2', 'nothing was changed.')),
    '\n✗ Port 80 is taken\n  State: nothing was changed.\n  Next:  stop apache2',
  )
  assert.equal(
    inspect(new OperatorError('Port 80 is taken', 'stop apache2')),
    '\n✗ Port 80 is taken\n  Next:  stop apache2',
  )
  assert.equal(inspect(new OperatorError('Port 80 is taken')), '\n✗ Port 80 is taken')
  assert.equal(new OperatorError('Port 80 is taken', 'x').message, 'Port 80 is taken')
})

test('a command’s error shows the end of what it printed', () => {
  const output = Array.from({ length: 100 }, (_, index) => `line ${index}\n\n`).join('')
  const lines = inspect(new CommandError('Building', 7, output, 'try again')).split('\n')
  assert.equal(lines[1], '✗ Building: failed with exit code 7')
  assert.deepEqual([lines[2], lines.at(-2)], ['    line 75', '    line 99'])
  assert.equal(lines.at(-1), '  Next:  try again')
  assert.equal(lines.length, 28)
})

test('lastLines leaves out empty ones', () => {
  assert.equal(lastLines('a\n\n b \n   \nc\n', 2), ' b \nc')
  assert.equal(lastLines('', 3), '')
})

test('indent moves every line', () => assert.equal(indent('a\nb'), '    a\n    b'))
