/** What verify warns of: no line of the task sheet fails by it. Pure: facts in, sentences out. */

import { list } from '../cli/say.mts'
import { killedWarning } from '../stack/memory.mts'
import type { Inside } from './facts.mts'

export function warnings({ logged, killed }: Pick<Inside, 'logged' | 'killed'>): string[] {
  const password = `The log of ${list(logged)} holds the password of the database's owner. Let the application print no DATABASE_URI, then: npm run redeploy, and npm run secrets -- rotate db_owner_password`
  return [...(logged.length > 0 ? [password] : []), ...killed.map(killedWarning)]
}
