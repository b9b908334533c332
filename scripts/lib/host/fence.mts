/**
 * The fence stops the scripts of a run that has lost its lock. Whoever takes the lock writes a token beside it. Each
 * script of a holder compares this token with its own before it does anything. The next holder waits until a script that
 * has begun ends, so no script loses the lock half-way.
 */
import { OperatorError } from '../cli/errors.mts'
import { bash, type Script } from './shell.mts'

/** The lock that a run holds. */
export interface Fence {
  /** The deployment's folder on the server. */
  folder: string
  token: string
  /** The text that this run has written to lock.holder. */
  holder: string
}

/** Exit code of a script that the fence refuses. No other program in the scripts uses it. */
const REFUSED = 199

/** The check of the token: the head of a script. No program that the script starts may inherit its descriptor 8. */
export function guard({ folder, token }: Fence): Script {
  return bash`
exec 8>>${folder}/lock.moves && flock --shared 8 || exit
{ [ "$(<${folder}/lock.token)" = ${token} ]; } 2>/dev/null || {
  cat ${folder}/lock.holder >&2
  exit ${REFUSED}
}
`
}

/** This run has lost the lock, and must do nothing more. */
export class LockLost extends OperatorError {
  /** @param holder the run that has the lock now; empty: none */
  constructor(holder: string) {
    super(
      `This run has lost its lock${holder && ` to ${holder}`}: it sent no sign of life for too long (it was stopped, or its connection was)`,
      `See what runs: npm run status. ${holder ? 'When the other run has ended, the' : 'The'} same command again does what is left.`,
      'this run has changed nothing since then; the lines above say what it did before.',
    )
    this.name = 'LockLost'
  }
}

/** @throws LockLost when the fence refused the script that ended so */
export function checkRefused(fence: Fence | undefined, exitCode: number | null, stderr: string): void {
  if (exitCode !== REFUSED) return
  const holder = stderr.trim().split('\n').at(-1) ?? ''
  throw new LockLost(holder === fence?.holder ? '' : holder)
}
