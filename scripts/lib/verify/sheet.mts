/** The task sheet, line by line: what was required, whether it is so, and the evidence. Pure: facts in, verdicts out. */

import { list } from '../cli/say.mts'
import type { Entry } from '../proof/history.mts'
import { type Container, type Inside, SHEET_PACKAGES, SHEET_USERS, type UserFacts } from './facts.mts'
import type { Front } from './inside.mts'
import type { Outside } from './outside.mts'

export interface Verdict {
  chapter: string
  required: string
  ok: boolean
  evidence: string
}

export interface Facts {
  front: Front
  inside: Inside
  outside: Outside
  /** The last rollout that replaced a release; absent while there was none. */
  rollout?: Entry
}

export function judge(facts: Facts): Verdict[] {
  return [...server(facts), ...containers(facts), ...database(facts), ...balancer(facts), ...redeploy(facts)]
}

function server({ inside }: Facts): Verdict[] {
  const chapter = 'Prepare the server'
  const users = SHEET_USERS.flatMap(({ name, sudo }) => {
    const user = inside.users[name]
    const exists = user?.exists === true
    return [
      verdict(
        chapter,
        `${name} logs in by the given ssh key`,
        exists && user.accepts === 'yes' && user.login === 'yes',
        exists ? loginEvidence(user) : ['user: missing'],
      ),
      verdict(chapter, `${name} has no password`, user?.shadow === '*', [
        user?.shadow === '*'
          ? 'shadow field *: no password opens it'
          : `shadow field ${user?.shadow || 'missing'}`,
      ]),
      verdict(
        chapter,
        sudo ? `${name} has passwordless sudo` : `${name} has no sudo`,
        exists && (user.sudo === 'yes') === sudo,
        [`sudo -n true as ${name}: ${user?.sudo === 'yes' ? 'yes' : `no (${user?.sudo ?? 'not tried'})`}`],
      ),
    ]
  })
  const missing = SHEET_PACKAGES.filter((name) => !inside.packages.includes(name))
  const packages = missing.length > 0 ? `missing: ${list(missing)}` : 'installed'
  return [
    ...users,
    verdict(chapter, `Packages ${list([...SHEET_PACKAGES])}`, missing.length === 0, [packages]),
  ]
}

/** The given key's private half is not here, so sshd is asked whether it would take it, and a key of the moment logs in. */
function loginEvidence({ key, accepts, login }: UserFacts): string[] {
  const elsewhere = accepts === 'yes' ? 'where sshd looks for it' : 'no'
  return [
    'user: there',
    `key in authorized_keys: ${key ? 'yes' : elsewhere}`,
    accepts === 'yes' ? 'sshd takes it: yes, asked with this key' : `sshd takes keys: no (${accepts})`,
    login === 'yes'
      ? 'login: yes, tried with a key of the moment'
      : `login with a key of the moment: no (${login})`,
  ]
}

function containers({ inside, outside }: Facts): Verdict[] {
  const chapter = 'Dockerize the application'
  const running = (service: string) =>
    inside.containers.filter((one) => one.service === service && one.running)
  const { replicas } = inside
  const releases = [...new Set(replicas.map(({ release }) => release))]
  const silent = replicas.filter(({ redis }) => redis !== '+PONG')
  const wrong = inside.containers.filter(({ restartPolicy }) => restartPolicy !== 'unless-stopped')
  const answers = outside.status.status === 200 && outside.status.body === 'OK'
  return [
    verdict(
      chapter,
      'The application runs from a Docker image',
      replicas.length > 0 && answers && releases.length === 1,
      [
        `release ${list(releases) || 'none'}`,
        `/status: ${outside.status.status} ${outside.status.body || outside.status.error}`,
        `/palindrom/verify: ${outside.palindrome.status}`,
      ],
    ),
    verdict(chapter, '2 containers with the application', replicas.length >= 2, [
      list(replicas.map(({ name }) => name)) || 'none runs',
    ]),
    verdict(
      chapter,
      'A Redis container, connected with the application’s',
      running('redis').length === 1 && replicas.length > 0 && silent.length === 0,
      [
        `${running('redis').length} running`,
        ...replicas.map(({ name, redis }) => `PING from ${name}: ${redis || 'no answer'}`),
      ],
    ),
    verdict(
      chapter,
      'Containers restart by themselves unless stopped',
      inside.containers.length >= 5 && wrong.length === 0,
      [
        wrong.length > 0
          ? wrong.map(policyOf).join(', ')
          : `unless-stopped: ${inside.containers.length} of ${inside.containers.length}`,
      ],
    ),
  ]
}

function database({ inside }: Facts): Verdict[] {
  const chapter = 'Database'
  const found = inside.database
  const reads = Object.keys(found).filter((key) => key.startsWith('developer reads '))
  // Before the first attempt to write, the one thing tried is to read every table.
  const unread = found['developer login']
  const denied = (what: string) => /permission denied|must be owner/.test(found[`developer ${what}`] ?? '')
  const blocked = found['nobody blocked'] && `a lock is waited for that is held by ${found['nobody blocked']}`
  const answer = (what: string) =>
    `${what} as developer: ${found[`developer ${what}`] ?? found['developer login'] ?? 'not tried'}`
  return [
    verdict(
      chapter,
      'A user with full access for the application',
      found['app owner'] === 'app' && found['app writes'] === '1',
      [
        found['app owner']
          ? `owner of the database: ${found['app owner']}`
          : `login as app: ${found['app login'] ?? 'no answer'}`,
        `CREATE and INSERT as app: ${found['app writes'] === '1' ? 'yes' : 'no'}`,
      ],
    ),
    verdict(
      chapter,
      'A read-only user developer',
      reads.length > 0 && unread === undefined && denied('INSERT') && denied('CREATE') && denied('TEMPORARY'),
      [
        unread
          ? `SELECT as developer: ${unread}${blocked ? ` (${blocked})` : ''}`
          : `SELECT as developer: every table (${reads.length})`,
        answer('INSERT'),
        answer('CREATE'),
        answer('TEMPORARY'),
      ],
    ),
  ]
}

function balancer({ front, inside, outside }: Facts): Verdict[] {
  const chapter = 'Load balancing and SSL'
  const shares = Object.values(outside.sample.perReplica)
  const total = shares.reduce((sum, share) => sum + share, 0)
  const even =
    shares.length === inside.replicas.length &&
    shares.length > 1 &&
    Math.min(...shares) * 2 >= Math.max(...shares)
  const { redirect, hello, sample } = outside
  const exposed = inside.containers.flatMap((one) =>
    one.ports.filter(isPublic).map(({ port }) => ({ one, port })),
  )
  const strangers = exposed.filter(({ one }) => one.service !== 'lb')
  return [
    verdict(chapter, 'Traffic is balanced over the replicas', even && sample.failed === 0, [
      `${total} requests: ${list(shares.map(String)) || 'none answered'}`,
      `${sample.failed} failed`,
    ]),
    verdict(
      chapter,
      'Everything is available by HTTPS',
      hello.status === 200 && hello.tls !== '' && front.days > 0,
      [
        hello.error
          ? `/: ${hello.error}`
          : `/: ${hello.status}, ${hello.tls}, certificate verified, ${certificateOf(front)}`,
        ...(outside.notFromHere ? [`asked through ssh, since from here: ${outside.notFromHere}`] : []),
      ],
    ),
    verdict(
      chapter,
      'HTTP is redirected to HTTPS',
      [301, 308].includes(redirect.status) && redirect.location.startsWith('https://'),
      [redirect.error || `${redirect.status} to ${redirect.location || 'nowhere'}`],
    ),
    verdict(
      chapter,
      '/admin asks for the user developer and a password',
      inside.admin.none === '401' && inside.admin.wrong === '401' && inside.admin.right === '200',
      [`without: ${inside.admin.none}`, `wrong: ${inside.admin.wrong}`, `right: ${inside.admin.right}`],
    ),
    ...['/prepare-for-deploy', '/ready-for-deploy'].map((path) => hiddenVerdict(chapter, path, outside)),
    verdict(
      chapter,
      'Only the load balancer is published to the network',
      strangers.length === 0 && exposed.length > 0,
      [
        list([...new Set(exposed.map(({ one, port }) => `${one.service} ${port}`))]) ||
          'nothing is published',
      ],
    ),
  ]
}

/** The script proves itself at every rollout: what its client counted is in the history on the server. */
function redeploy({ rollout }: Facts): Verdict[] {
  const lost = (rollout?.failed ?? 0) + (rollout?.cut ?? 0)
  const counted =
    rollout &&
    `release ${rollout.from} → ${rollout.to}${rollout.result === 'went back' ? ' and back' : ''} on ${rollout.when.slice(0, 10)}: ${rollout.requests ?? 0} requests, ${lost} failed`
  return [
    verdict('Redeploy script', 'Releases a new version without visible outage', lost === 0, [
      counted ?? 'npm run redeploy: not needed yet',
    ]),
  ]
}

function hiddenVerdict(chapter: string, path: string, { hidden }: Outside): Verdict {
  const tried = hidden.filter((one) => decodeURIComponent(one.path).includes(path.slice(1)))
  const reached = tried.reduce((sum, one) => sum + one.reached, 0)
  const statuses = [...new Set(tried.map(({ status }) => status))]
  return verdict(
    chapter,
    `${path} is blocked`,
    reached === 0 && statuses.length === 1 && statuses[0] === 404,
    [`${tried.length} spellings: ${statuses.join(', ')}`, `${reached} requests reached a replica`],
  )
}

function verdict(chapter: string, required: string, ok: boolean, evidence: string[]): Verdict {
  return { chapter, required, ok, evidence: evidence.join('; ') }
}

function certificateOf({ certificate, days }: Front): string {
  const { issuer = 'nobody', selfSigned = false, ends = 0 } = certificate ?? {}
  const by = selfSigned ? 'self-signed' : `issued by ${issuer}`
  return `${by}, ends in ${days} days, on ${new Date(ends).toISOString().slice(0, 10)}`
}

const policyOf = (container: Container) => `${container.name}: ${container.restartPolicy || 'no'}`
const isPublic = ({ address }: { address: string }) => !address.startsWith('127.') && address !== '::1'
