/** Copies a file from the server to this machine. */
import { createHash } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'
import { OperatorError } from '../cli/errors.mts'
import { linesOf } from './frame.mts'
import type { Host } from './host.mts'
import { bash } from './shell.mts'

/** Characters of base64 in a line: a multiple of 4, so each line is a whole number of bytes. */
const LINE = 60_000

/**
 * Copies a file of the server, with mode 0600. It replaces a file that is there only when it is complete.
 * @param sha256 its checksum
 * @throws OperatorError when the copy has another checksum
 */
export async function fetchFile(host: Host, from: string, to: string, sha256: string): Promise<void> {
  const digest = createHash('sha256')
  const part = `${to}.part`
  const file = await open(part, 'w', 0o600)
  // After this, no waiting before linesOf: what the session prints until then is lost.
  const session = await host.session(bash`base64 -w ${LINE} ${from}`)
  try {
    for await (const line of linesOf(session.stdout)) {
      const data = Buffer.from(line, 'base64')
      digest.update(data)
      await file.write(data)
    }
    await file.sync()
    if (digest.digest('hex') !== sha256)
      throw new OperatorError(
        `The copy of ${from} is not complete: its checksum is another one`,
        'The same command again.',
        `the file is on ${host.name}.`,
      )
    await rename(part, to)
  } finally {
    await file.close()
    session.stdin.end()
    await rm(part, { force: true })
  }
}
