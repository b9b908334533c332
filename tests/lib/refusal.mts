/** What an operator reads when something is refused. */
import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { OperatorError } from '../../scripts/lib/cli/errors.mts'

/** Does what must be refused; returns the message as the terminal shows it. */
export function refusal(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    return told(error)
  }
  assert.fail('nothing was refused')
}

/** The message of an operator's error; any other error is a bug and stays one. */
export function told(error: unknown): string {
  if (!(error instanceof OperatorError)) throw error
  return inspect(error)
}
