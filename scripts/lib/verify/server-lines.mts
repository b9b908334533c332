/** The lines of the task sheet about the server, the containers and the database. */
import { list } from '../cli/say.mts'
import { type Container, SHEET_PACKAGES, SHEET_USERS, type UserFacts } from './facts.mts'
import { type Facts, type Line, line } from './verdict.mts'

export function server({ inside }: Facts): Line[] {
  const users = SHEET_USERS.flatMap(({ name, sudo }) => {
    const user = inside.users[name] ?? {}
    const exists = user.exists === 'yes'
    return [
      line(
        `${name} logs in by the given ssh key`,
        exists && user.accepts === 'yes' && user.login === 'yes',
        ...(exists ? loginEvidence(user) : ['user: missing']),
      ),
      line(
        `${name} has no password`,
        user.shadow === '*',
        user.shadow === '*'
          ? 'shadow field *: no password matches it'
          : `shadow field ${user.shadow || 'missing'}`,
      ),
      line(
        sudo ? `${name} has passwordless sudo` : `${name} has no sudo`,
        exists && (user.sudo === 'yes') === sudo,
        `sudo -n true as ${name}: ${yesOrNo(user.sudo)}`,
      ),
    ]
  })
  const missing = SHEET_PACKAGES.filter((name) => !inside.packages.includes(name))
  const packages = missing.length > 0 ? `missing: ${list(missing)}` : 'installed'
  return [...users, line(`Packages ${list([...SHEET_PACKAGES])}`, missing.length === 0, packages)]
}

/** verify has no private key of the users. So sshd is asked whether it accepts the given key, and a temporary key logs in. */
function loginEvidence({ key, accepts, login }: UserFacts): string[] {
  const elsewhere = accepts === 'yes' ? 'in another file that sshd reads' : 'no'
  return [
    'user: exists',
    `key in authorized_keys: ${key ?? elsewhere}`,
    `sshd accepts this key: ${yesOrNo(accepts)}`,
    `login by a temporary key: ${yesOrNo(login)}`,
  ]
}

const yesOrNo = (fact = 'not tried') => (fact === 'yes' ? 'yes' : `no (${fact})`)

export function containers({ inside, outside }: Facts): Line[] {
  const running = (service: string) =>
    inside.containers.filter((one) => one.service === service && one.running)
  const { replicas } = inside
  const releases = [...new Set(replicas.map(({ release }) => release))]
  const silent = replicas.filter(({ redis }) => redis !== '+PONG')
  const wrong = inside.containers.filter(({ restartPolicy }) => restartPolicy !== 'unless-stopped')
  const answers = outside.status.status === 200 && outside.status.body === 'OK'
  return [
    line(
      'The application runs from a Docker image',
      replicas.length > 0 && answers && releases.length === 1,
      `release ${list(releases) || 'none'}`,
      `/status: ${outside.status.status} ${outside.status.body || outside.status.error}`,
      `/palindrom/verify: ${outside.palindrome.status}`,
    ),
    line(
      '2 containers with the application',
      replicas.length >= 2,
      list(replicas.map(({ name }) => name)) || 'none runs',
    ),
    line(
      'A Redis container, connected to the application’s',
      running('redis').length === 1 && replicas.length > 0 && silent.length === 0,
      `${running('redis').length} running`,
      ...replicas.map(({ name, redis }) => `PING from ${name}: ${redis || 'no answer'}`),
    ),
    line(
      'Containers restart by themselves unless stopped',
      inside.containers.length >= 5 && wrong.length === 0,
      wrong.length > 0
        ? wrong.map(policyOf).join(', ')
        : `unless-stopped: ${inside.containers.length} of ${inside.containers.length}`,
    ),
  ]
}

export function database({ inside }: Facts): Line[] {
  const found = inside.database
  const reads = Object.keys(found).filter((key) => key.startsWith('developer reads '))
  // An error before the first step, INSERT, comes from the login or from reading a table.
  const unread = found['developer login']
  const denied = (what: string) => /permission denied|must be owner/.test(found[`developer ${what}`] ?? '')
  const blocked = found['nobody blocked'] && ` (waits for a lock of ${found['nobody blocked']})`
  const answer = (what: string) =>
    `${what} as developer: ${found[`developer ${what}`] ?? found['developer login'] ?? 'not tried'}`
  return [
    line(
      'A user with full access for the application',
      found['app owner'] === 'app' && found['app writes'] === '1',
      found['app owner']
        ? `owner of the database: ${found['app owner']}`
        : `login as app: ${found['app login'] ?? 'no answer'}`,
      `CREATE and INSERT as app: ${found['app writes'] === '1' ? 'yes' : 'no'}`,
    ),
    line(
      'A read-only user developer',
      reads.length > 0 && unread === undefined && denied('INSERT') && denied('CREATE') && denied('TEMPORARY'),
      `SELECT as developer: ${unread ? unread + (blocked ?? '') : `every table (${reads.length})`}`,
      answer('INSERT'),
      answer('CREATE'),
      answer('TEMPORARY'),
    ),
  ]
}

const policyOf = (container: Container) => `${container.name}: ${container.restartPolicy || 'no'}`
