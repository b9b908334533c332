/** The disk of the server that holds Docker's data, and what takes its space. */
import type { factsIn } from '../host/facts.mts'
import { remote, type Script } from '../host/shell.mts'

export interface Taken {
  bytes: number
  what: string
}

/** Defines `space PATH`, which prints the facts. @param folder of the deployment */
export const spaceFunction = (folder: string): Script => remote('space', { folder })

/** What takes the space, the most first; empty while enough is left. */
export function parseTaken(facts: ReturnType<typeof factsIn>): Taken[] {
  return facts('takes').map(([bytes, what = '']) => ({ bytes: Number(bytes), what }))
}

/** `0.2 GB`. */
export const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`

/** `; Docker: images 4.3 GB, backups 1.0 GB`, or nothing. */
export const taken = (takes: readonly Taken[]) =>
  takes.length > 0 ? `; ${takes.map(({ bytes, what }) => `${what} ${gigabytes(bytes)}`).join(', ')}` : ''
