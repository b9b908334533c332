/**
 * What keeps a process from changing the server when the lock is somebody else's by now: whoever takes the lock leaves a
 * token beside it, and each script that a holder sends compares it first. A script that has begun is waited for by the
 * next holder, so it cannot lose the lock half-way.
 */
import { OperatorError } from '../cli/errors.mts'
import { bash, type Script } from './shell.mts'

/** The lock that a host's scripts are sent under. */
export interface Fence {
  /** Of the deployment, on the server. */
  folder: string
  token: string
  /** Ourselves, as lock.holder has it. */
  holder: string
}

/** Exit code of a script that is refused; none that the scripts or what they call use. */
const REFUSED = 199

/** For the head of a script, before anything else in it; its descriptor 8 is not for what the script starts. */
export function guard({ folder, token }: Fence): Script {
  return bash`
exec 8>>${folder}/lock.moves && flock --shared 8 || exit
{ [ "$(<${folder}/lock.token)" = ${token} ]; } 2>/dev/null || {
  cat ${folder}/lock.holder >&2
  exit ${REFUSED}
}
`
}

/** Another one has the lock by now, or nobody: the process that had it goes on no more. */
export class LockLost extends OperatorError {
  /** @param holder who took it; empty: nobody */
  constructor(holder: string) {
    super(
      `This run has lost its lock${holder && ` to ${holder}`}: it was not heard of for too long (it was stopped, or its connection was)`,
      `npm run status shows what runs; ${holder ? 'when the other run is done, ' : ''}the same command again does what is left.`,
      'it has done nothing more since then; what the lines above say is done.',
    )
    this.name = 'LockLost'
  }
}

/** @throws LockLost when this is how a script ended that was refused */
export function checkRefused(fence: Fence | undefined, exitCode: number | null, stderr: string): void {
  if (exitCode !== REFUSED) return
  const holder = stderr.trim().split('\n').at(-1) ?? ''
  throw new LockLost(holder === fence?.holder ? '' : holder)
}
