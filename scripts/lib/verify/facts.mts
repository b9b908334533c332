/** The facts that root sees on the server, read from the output of the scripts of inside.mts. */

import { factsIn } from '../host/facts.mts'
import { type Killed, parseKilled } from '../stack/memory.mts'

/** The two users of the task sheet and their keys. They are written here again, since config/server.yaml may be wrong. */
export const SHEET_USERS = [
  {
    name: 'prusa_admin',
    sudo: true,
    key: 'AAAAC3NzaC1lZDI1NTE5AAAAIIhPd7qHzXBp41QIhXz8HUBq6QjuyGanfXYVPzn9kM6w',
  },
  {
    name: 'prusa_non_admin',
    sudo: false,
    key: 'AAAAC3NzaC1lZDI1NTE5AAAAIEBTg8KKBP/VbPH+VAYLqhGjCBoGBqNPj63BbTFP3Bov',
  },
] as const
export const SHEET_PACKAGES = ['curl', 'wget', 'vim', 'nano', 'jq'] as const

/**
 * `exists`, `key` (the given one is in authorized_keys), `sudo`, `accepts` (sshd accepts the given key), `login` (by a
 * temporary key): `yes`, or why not. `shadow`: the password field of shadow(5), at most three characters of it.
 */
export type UserFacts = Partial<Record<'exists' | 'key' | 'shadow' | 'sudo' | 'accepts' | 'login', string>>

export interface Container {
  name: string
  service: string
  running: boolean
  restartPolicy: string
  /** Its published ports. */
  ports: { address: string; port: number }[]
}

export interface Inside {
  users: Record<string, UserFacts>
  packages: string[]
  containers: Container[]
  /** The running replicas, each with its release by the label of its image, and Redis's answer to its PING. */
  replicas: { name: string; release: string; redis: string }[]
  /** The names of the replicas whose log holds the owner's password. */
  logged: string[]
  killed: Killed[]
  /** What the roles of the database may do, by `ROLE WHAT`: `developer INSERT`. */
  database: Record<string, string>
  /** HTTP status of /admin without a password (`none`), with a `wrong` one and with the `right` one. */
  admin: Record<string, string>
}

export function parseInside(output: string): Inside {
  const of = factsIn(output)
  const user = (name: string): UserFacts =>
    Object.fromEntries(of('user').flatMap(([who, fact, value]) => (who === name ? [[fact, value]] : [])))
  return {
    users: Object.fromEntries(SHEET_USERS.map(({ name }) => [name, user(name)])),
    packages: of('package').map(([name]) => name as string),
    containers: of('container').map(containerOf),
    replicas: of('replica').map(([name = '', release = '', redis = '']) => ({ name, release, redis })),
    logged: of('logged')
      .map(([name]) => name as string)
      .sort(),
    killed: parseKilled(output),
    database: parseDatabase(of('database')),
    admin: Object.fromEntries(of('admin') as [string, string][]),
  }
}

/** An error belongs to the step before it: `developer INSERT` → `permission denied for table …`. */
function parseDatabase(lines: string[][]): Record<string, string> {
  const found: Record<string, string> = {}
  const steps: Record<string, string> = {}
  for (const [role = '', what = '', value = ''] of lines) {
    if (what === 'step') {
      steps[role] = value
      found[`${role} ${value}`] = 'allowed'
    } else if (what === 'error') found[`${role} ${steps[role] ?? 'login'}`] = value
    else found[`${role} ${what}`] = value
  }
  return found
}

function containerOf([
  name = '',
  service = '',
  running,
  restartPolicy = '',
  ports = '',
]: string[]): Container {
  return {
    name: name.replace(/^\//, ''),
    service,
    running: running === 'true',
    restartPolicy,
    ports: [...ports.matchAll(/(\S+) (\d+)/g)].map(([, address = '', port]) => ({
      address,
      port: Number(port),
    })),
  }
}
