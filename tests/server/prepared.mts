/** A Debian 12 server with all packages of 01-server, for several files of tests. */
import { Shared } from '../lib/shared.mts'
import { startServer } from './disposable.mts'
import { Operator } from './operator.mts'

export const prepared = new Shared(
  async () => new Operator(await startServer('bookworm', 'prepared')),
  (operator) => operator.remove(),
)
