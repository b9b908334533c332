/** The warnings of verify about the server. They fail no line of the task sheet. */

import { list } from '../cli/say.mts'
import { killedWarning } from '../stack/memory.mts'
import type { Inside } from './facts.mts'

export function warnings({ logged, killed }: Pick<Inside, 'logged' | 'killed'>): string[] {
  const password = `The log of ${list(logged)} holds the password of the database's owner. Change the application so that it does not print DATABASE_URI, then: npm run redeploy, and npm run secrets -- rotate db_owner_password`
  return [...(logged.length > 0 ? [password] : []), ...killed.map(killedWarning)]
}
