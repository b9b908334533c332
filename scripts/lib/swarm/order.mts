/** Orders to the swarm. */
import { sleep } from 'zx'
import { CommandError } from '../cli/errors.mts'
import type { Host } from '../host/host.mts'
import type { Script } from '../host/shell.mts'
import { NoQuorum } from './view.mts'

/** Seconds for which an order is given again: managers refuse orders while they elect a leader, after a host or the network was away. */
const ELECTION = 30
const ELECTING = /lost leader status|does not have a leader|no elected primary/i

/**
 * Gives the swarm an order by one of its managers.
 * @param script may run several times
 * @param deadline seconds
 * @throws CommandError; NoQuorum when they elect none
 */
export async function order(manager: Host, purpose: string, script: Script, deadline = 60): Promise<void> {
  const end = performance.now() + ELECTION * 1000
  for (;;) {
    try {
      await manager.run(purpose, script, { deadline })
      return
    } catch (error) {
      if (!(error instanceof CommandError && ELECTING.test(error.output))) throw error
      if (performance.now() > end) throw new NoQuorum()
      await sleep(1000)
    }
  }
}
