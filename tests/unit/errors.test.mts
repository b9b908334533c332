/** The text of errors. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import {
  CommandError,
  indent,
  lastLines,
  OperatorError,
  withoutPasswords,
} from '../../scripts/lib/cli/errors.mts'

test('an OperatorError prints what happened, the state and what to type next, without a stack trace', () => {
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

test('a CommandError prints the end of the command’s output', () => {
  const output = Array.from({ length: 100 }, (_, index) => `line ${index}\n\n`).join('')
  const lines = inspect(new CommandError('Building', 7, output, 'try again')).split('\n')
  assert.equal(lines[1], '✗ Building: failed with exit code 7')
  assert.deepEqual([lines[2], lines.at(-2)], ['    line 75', '    line 99'])
  assert.equal(lines.at(-1), '  Next:  try again')
  assert.equal(lines.length, 28)
})

test('lastLines leaves out empty lines and cuts long ones', () => {
  assert.equal(lastLines('a\n\n b \n   \nc\n', 2), ' b \nc')
  assert.equal(lastLines('', 3), '')
  assert.equal(lastLines(`short\n${'x'.repeat(20_000)}`, 2), `short\n${'x'.repeat(400)} …`)
})

test('indent indents every line', () => assert.equal(indent('a\nb'), '    a\n    b'))

test('the password of a URI in a command’s output is not printed', () => {
  const uri = 'postgresql+psycopg2://app:Ab-_9%2F@db:5432/prusa'
  assert.equal(withoutPasswords(`at ${uri}\n${uri}`), `at ${uri}\n${uri}`.replaceAll('Ab-_9%2F', '***'))
  assert.doesNotMatch(inspect(new CommandError('Preparing the schema', 1, uri)), /Ab-_9/)
  const harmless = 'http://localhost:5000/ https://example.org/x:y@z'
  assert.equal(withoutPasswords(harmless), harmless)
})
