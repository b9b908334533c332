/** Several hosts: what makes them no swarm, what Swarm says, the definition of the service, and the screen. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { stackSchema } from '../../scripts/lib/config/config.mts'
import { checkHosts } from '../../scripts/lib/config/related-keys.mts'
import { parseConfig } from '../../scripts/lib/config/schema.mts'
import { page } from '../../scripts/lib/dashboard/page.mts'
import { parts } from '../../scripts/lib/dashboard/parts.mts'
import { Host } from '../../scripts/lib/host/host.mts'
import { stackFile } from '../../scripts/lib/stack/stack.mts'
import { screen } from '../../scripts/lib/status/screen.mts'
import { together } from '../../scripts/lib/swarm/catching-up.mts'
import { requireData } from '../../scripts/lib/swarm/choosing.mts'
import { lookOf, sumsOf } from '../../scripts/lib/swarm/dashboard.mts'
import { describeUpdate } from '../../scripts/lib/swarm/dryrun.mts'
import { reasonOf } from '../../scripts/lib/swarm/failure.mts'
import type { Here } from '../../scripts/lib/swarm/look.mts'
import { isEncrypted } from '../../scripts/lib/swarm/networks.mts'
import { HOST_LABEL, managersOf, type Node, problemsOf, unlisted } from '../../scripts/lib/swarm/node.mts'
import { waitsForLost } from '../../scripts/lib/swarm/rollout.mts'
import { alarmsOf, shownOf } from '../../scripts/lib/swarm/screen.mts'
import { definitionOf } from '../../scripts/lib/swarm/service.mts'
import { misplaced } from '../../scripts/lib/swarm/spreading.mts'
import { hostRows, tableOf } from '../../scripts/lib/swarm/tables.mts'
import { type Member, parseView, serving, type Task, type View } from '../../scripts/lib/swarm/view.mts'
import { refusal } from '../lib/refusal.mts'
import { container, facts, NOW } from '../lib/status.mts'

const HOSTS = 'hosts: [a, b, c]'
const stack = (yaml = HOSTS) => parseConfig(stackSchema, yaml, 'stack.yaml', {})
const TARGET = { name: '0123456789ab-01234567', release: '0123456789ab', secrets: 'x' }

describe('a list of hosts excludes', () => {
  for (const [yaml, what] of [
    [`host: a\n${HOSTS}`, 'host (DEPLOY_HOST) and hosts are both set'],
    ['hosts: [a, b, a]', 'hosts lists a twice'],
    [
      `address: x\n${HOSTS}`,
      'address is where the site of one host answers; with several hosts, each answers at its own address',
    ],
    [
      `rollout: { order: stop-first, drain_timeout: 61 }\n${HOSTS}`,
      'with several hosts and rollout.order: stop-first, rollout.drain_timeout may be 60 s at most, not 61 s: after 60 s Docker Swarm starts the fresh replica, whether the old one has stopped or not',
    ],
  ] as const)
    test(what, () => {
      const said = refusal(() => checkHosts(stack(yaml), 'config/stack.yaml'))
      assert.ok(said.startsWith(`\n✗ config/stack.yaml: ${what}\n  State: nothing was contacted`), said)
    })
})

test('local may be the first host only', () => {
  checkHosts(stack('hosts: [local, root@b]'), 'stack.yaml')
  const said = refusal(() => checkHosts(stack('hosts: [root@a, local]'), 'stack.yaml'))
  assert.match(said, /hosts lists local, and not as the first: [\s\S]*Next: {2}List local first/)
})

test('what needs the data is refused without the host that holds them', () => {
  const [a, b] = [new Host('root@a'), new Host('root@b')]
  requireData([a, b], a, 'run')
  const said = refusal(() => requireData([a, b], b, 'run'))
  assert.match(
    said,
    /run needs root@a, which holds the database[\s\S]*nothing was changed[\s\S]*Bring root@a back/,
  )
})

test('a list of one host excludes nothing', () => checkHosts(stack('hosts: [a]\naddress: x'), 'stack.yaml'))

test('replicas may stop first if they may drain for 60 s at most', () => {
  const stopFirst = stack(`rollout: { order: stop-first, drain_timeout: 60 }\n${HOSTS}`)
  checkHosts(stopFirst, 'stack.yaml')
  const { definition } = definitionOf(stopFirst, 'r')
  const { update_config } = definition.services.app.deploy as { update_config: { order: string } }
  assert.equal(update_config.order, 'stop-first')
})

test('one or two hosts have one manager, more have three', () => {
  assert.deepEqual([1, 2, 3, 4, 9].map(managersOf), [1, 1, 3, 3, 3])
})

describe('hosts cannot be one swarm', () => {
  const node = (name: string, more: Partial<Node> = {}): Node => ({
    host: new Host(name),
    active: false,
    ours: false,
    manager: false,
    id: '',
    address: '192.0.2.1',
    data: false,
    encrypts: false,
    filtered: [],
    ...more,
  })
  const first = node('a', { active: true, manager: true })
  const member = (id: string): Member => {
    const labels = { [HOST_LABEL]: id }
    return { id, name: id, up: true, availability: 'active', role: 'manager', labels }
  }

  test('unless there is a problem, they can', () => {
    assert.deepEqual(problemsOf([node('a', { data: true }), node('b')]), [])
    assert.deepEqual(problemsOf([first, node('b', { active: true, id: 'b' }), node('c')], [member('b')]), [])
  })

  test('unless they are of this deployment: they join anew', () => {
    const dropped = node('b', { active: true, id: 'b', ours: true })
    assert.deepEqual(problemsOf([node('a', { data: true }), dropped]), [])
    assert.deepEqual(problemsOf([first, dropped], [member('a')]), [])
  })

  test('only a host that is known by no name is not listed any more', () => {
    const members = [member('a'), member('b'), { ...member('c'), name: 'b2' }, { ...member('x'), labels: {} }]
    const nodes = [node('a', { id: 'a' }), node('local', { id: 'b' })]
    assert.deepEqual(
      unlisted(members, nodes).map(({ id }) => id),
      ['c'],
    )
    assert.deepEqual(problemsOf([node('a', { data: true }), node('local', { id: 'b' })], members), [])
    const [said = ''] = problemsOf([node('a'), node('local', { id: 'b' })], members)
    assert.match(said, /^a does not hold the database, and hosts does not list b2: .* npm run restore\.$/)
  })

  for (const [nodes, problem] of [
    [[node('a'), node('b', { active: true })], /^b is in a swarm already, and a is not/],
    [[first, node('b', { active: true })], /^b is in a swarm already, and a is not/],
    [[node('a'), node('b', { active: true, ours: true })], /^b is in a swarm already, and a is not/],
    [[node('a', { active: true }), node('b')], /^a is a worker of a swarm/],
    [[node('a', { address: '' }), node('b')], /^a finds no address/],
    [[node('a'), node('b', { data: true })], /^b holds the database, and a does not: list it first/],
    [
      [node('a'), node('b', { filtered: [{ host: 'a', port: '2377' }] })],
      /^b does not reach port 2377 of a: open TCP 2377 and 7946, UDP 7946 and 4789/,
    ],
  ] as const)
    test(String(problem), () => {
      const [said = '', more] = problemsOf(nodes)
      assert.match(said, problem)
      assert.equal(more, undefined)
    })
})

test('the history of several managers is put together in the order of time', () => {
  const [one, two, three] = ['01', '02', '03'].map((day) =>
    JSON.stringify({ when: `2026-11-${day}T00:00:00Z` }),
  )
  assert.deepEqual(together([[one, three], [one, two], []] as string[][]), [one, two, three])
})

test('replicas move only to hosts that have fewer than their share', () => {
  const moves = (...numbers: number[]) => {
    const members = numbers.map((_, at) => ({
      ...{ id: `${at}`, name: `${at}`, up: true, availability: 'active', role: 'worker' as const },
      labels: { image: 'yes' },
    }))
    const tasks = numbers.flatMap((number, at) =>
      Array.from({ length: number }, () => ({ on: `${at}`, wanted: true, state: 'running' }) as Task),
    )
    return misplaced({ members, service: undefined, tasks }, 'image')
  }
  assert.deepEqual([moves(1, 1, 1), moves(2, 1, 1), moves(1, 1, 0)], [0, 0, 0])
  assert.deepEqual([moves(2, 1, 0), moves(3, 3, 0), moves(4, 0, 0)], [1, 2, 2])
})

test('the networks are encrypted as configured; with auto, if all hosts can', () => {
  const [can, cannot] = [{ encrypts: true }, { encrypts: false }]
  const encrypted = (how: string, ...nodes: (typeof can)[]) =>
    isEncrypted(stack(`${HOSTS}\nswarm: { encrypted: ${how} }`), nodes)
  assert.deepEqual([encrypted('auto', can, can), encrypted('auto', can, cannot)], [true, false])
  assert.deepEqual([encrypted('yes', cannot), encrypted('no', can)], [true, false])
})

test('what the load balancers of all hosts count is added up, second by second', () => {
  const second = (at: number, p50 = 1) => ({ at, requests: 2, failed: 1, p50, p99: 9 })
  const sums = sumsOf([
    new Map([['app.1', [second(1), second(2)]]]),
    new Map([
      ['app.1', [second(2, 5), second(3)]],
      ['', [second(1)]],
    ]),
  ])
  assert.deepEqual(sums.get('app.1'), [
    second(1),
    { at: 2, requests: 4, failed: 2, p50: 5, p99: 9 },
    second(3),
  ])
  assert.deepEqual(sums.get(''), [second(1)])
})

test('the networks of several hosts are Swarm’s', () => {
  assert.match(stackFile(stack()), /frontend:\n\s+external: true\n\s+name: "?\$\{PROJECT\}_swarm_frontend/)
  assert.doesNotMatch(stackFile(stack('')), /swarm/)
})

test('the definition of the service has the values of the configuration, and its digest changes with them', () => {
  const { definition, digest } = definitionOf(
    stack(`${HOSTS}\napp: { replicas: 5 }\nrollout: { surge: all }`),
    'r',
  )
  const { deploy } = (definition as { services: { app: { deploy: Record<string, unknown> } } }).services.app
  const { replicas, update_config, placement, labels } = deploy as Record<string, Record<string, unknown>>
  assert.equal(replicas, 5)
  assert.equal(update_config?.parallelism, 0)
  assert.equal(update_config?.order, 'start-first')
  assert.deepEqual(placement?.constraints, ['node.labels.prusa.release.r == yes'])
  assert.deepEqual(labels, { 'prusa.settings': digest })
  assert.notEqual(definitionOf(stack(), 'r').digest, digest)
  assert.doesNotMatch(JSON.stringify(definition), /\$\{/)
})

describe('what a manager says', () => {
  const member = (id: string, state: string, more: object) =>
    `node\t${JSON.stringify({ ID: id, Spec: { Availability: 'active', Labels: { 'prusa.host': `root@${id}` } }, Status: { State: state }, Description: { Hostname: 'x' }, ...more })}`
  const task = (ID: string, Slot: number, NodeID: string, DesiredState: string, State: string, Err = '') =>
    `task\t${JSON.stringify({
      ID,
      Slot,
      NodeID,
      DesiredState,
      Spec: { ContainerSpec: { Labels: { 'prusa.target': TARGET.name, 'prusa.secrets': 'x' } } },
      Status: {
        State,
        Err,
        Timestamp: '1970-01-01T00:00:01.000Z',
        ContainerStatus: { ContainerID: 'c', ExitCode: 3 },
      },
      NetworksAttachments: [
        { Network: { Spec: { Name: 'prusa_swarm_backend' } }, Addresses: ['10.0.1.5/24'] },
        { Network: { Spec: { Name: 'prusa_swarm_frontend' } }, Addresses: ['10.0.2.5/24'] },
      ],
    })}`
  const service = `service\t${JSON.stringify({
    Spec: {
      Labels: { 'prusa.settings': 'd' },
      Mode: { Replicated: { Replicas: 2 } },
      TaskTemplate: { ContainerSpec: { Labels: { 'prusa.target': TARGET.name, 'prusa.secrets': 'x' } } },
    },
  })}`
  const output = [
    'now\t5000',
    member('a', 'ready', { ManagerStatus: { Leader: true } }),
    member('b', 'down', {}),
    service,
    task('t2', 2, 'b', 'shutdown', 'running'),
    task('t1', 1, 'a', 'running', 'running'),
    task('t3', 2, 'a', 'running', 'starting'),
  ].join('\n')
  const view = parseView(stack(), output)

  test('is read', () => {
    assert.deepEqual(
      view.members.map(({ name, up, role }) => [name, up, role]),
      [
        ['root@a', true, 'leader'],
        ['root@b', false, 'worker'],
      ],
    )
    const [one] = serving(view)
    assert.deepEqual(
      [one?.name, one?.on, one?.address, one?.release, one?.age],
      ['app.1', 'root@a', '10.0.2.5', '0123456789ab', 4000],
    )
    assert.equal(view.service?.replicas, 2)
  })

  describe('an update waits for nothing but a lost host', () => {
    const updating = service.replace('"Spec":', '"UpdateStatus":{"State":"updating"},"Spec":')
    const on = [member('a', 'ready', {}), member('b', 'down', {})]
    const waits = (members: string[], update: string, ...tasks: string[]) =>
      waitsForLost(parseView(stack(), ['now\t5000', ...members, update, ...tasks].join('\n')), isFresh)
    const isFresh = ({ id }: Task) => !id.startsWith('old')
    const stuck = task('t1', 1, 'b', 'shutdown', 'assigned')
    const there = [
      task('t2', 1, 'a', 'running', 'running'),
      task('t3', 2, 'a', 'running', 'running'),
    ] as const

    test('when each replica runs elsewhere', () => assert.ok(waits(on, updating, stuck, ...there)))
    for (const [what, ...given] of [
      ['it has ended', on, service, stuck, ...there],
      ['the host is up', [member('a', 'ready', {}), member('b', 'ready', {})], updating, stuck, ...there],
      ['one replica is missing', on, updating, stuck, there[0], task('t4', 1, 'a', 'running', 'running')],
      ['one replica is not ready', on, updating, stuck, there[0], task('t4', 2, 'a', 'running', 'starting')],
      ['an old replica serves', on, updating, stuck, there[0], task('old', 2, 'a', 'running', 'running')],
      ['the replica on the lost host ran', on, updating, task('t1', 1, 'b', 'shutdown', 'running'), ...there],
    ] as [string, ...Parameters<typeof waits>][])
      test(`not when ${what}`, () => assert.ok(!waits(...given)))
  })

  test('becomes a table of the hosts', () => {
    assert.match(tableOf(hostRows(view)), /root@a {2,}up {2,}active {2,}leader {2,}1\n/)
    assert.match(tableOf(hostRows(view)), /root@b {2,}down/)
  })

  test('gives the host that was asked the name of this run', () => {
    const { members } = parseView(stack(), `${output}\nself\ta`, 'local')
    assert.deepEqual(
      members.map(({ name }) => name),
      ['local', 'root@b'],
    )
  })

  test('becomes the plan of a rollout', () => {
    const [bring, update] = describeUpdate(stack(), view, ['root@a', 'root@b'], { release: 'new' })
    assert.equal(bring, 'bring the image of new to root@b')
    assert.match(
      update ?? '',
      /^let Swarm put 2 replicas of new on root@a and root@b, 1 at a time: start a fresh one, .*; then ask the old one to prepare/,
    )
    const stopFirst = stack(`rollout: { order: stop-first }\n${HOSTS}`)
    assert.match(
      describeUpdate(stopFirst, view, ['root@a'], { release: 'new' })[0] ?? '',
      /at a time: ask the old one to prepare, .*; then start a fresh one/,
    )
    assert.match(
      describeUpdate(stack(), { ...view, service: undefined }, ['root@a'], { release: 'new' })[0] ?? '',
      /^let Swarm start 2 replicas of new on root@a, and wait/,
    )
  })

  test('becomes what the dashboard follows: a replica that Swarm stops drains', () => {
    const { replicas, places } = lookOf({ view, here: [] }, [], 5000)
    assert.deepEqual(
      replicas.map(({ name, started }) => [name, started]),
      [
        ['app.1', 1000],
        ['app.2', 1000],
        ['app.2', 1000],
      ],
    )
    assert.deepEqual(
      places.map(({ weight }) => weight),
      view.tasks.map(({ wanted }) => (wanted ? 100 : 0)),
    )
  })

  const said = (...here: Here[]) =>
    alarmsOf({ first: new Host('root@a') }, stack(), { view, here }).map(({ what }) => what)
  const silent = (name: string): Here => ({ name, silent: 'cut off' })
  const here = (name: string, ...others: string[]): Here => {
    const services = name === 'root@a' ? ['balancer', 'db', 'dbport', 'lb', 'redis'] : ['balancer', 'lb']
    const well = services.filter((one) => !others.some((line) => line.includes(`/prusa-${one}-`)))
    return { name, silent: '', facts: facts(...well.map((one) => container(one, 1)), ...others) }
  }
  const [down, few] = ['root@b is down; its replicas run elsewhere', '1 of 2 replicas run']

  test('becomes alarms: a host that is down, and replicas that are missing', () => {
    assert.deepEqual(said(), [down, few])
    const [lost] = alarmsOf({ first: new Host('root@b') }, stack(), { view, here: [] })
    assert.match(lost?.what ?? '', /root@b is down\. It holds the database and Redis/)
  })

  test('becomes the alarms of each host, with its name', () => {
    assert.deepEqual(said(here('root@a'), here('root@b')), [down, few])
    for (const [lines, ...alarms] of [
      [['disk\t1\t100000000000\t/'], /^root@b: The server’s disk \(\/\) has 0\.0 GB of 100 GB left$/],
      [['memory\t10000000\t4000000000'], /^root@b: The server has 10 MB of memory left$/],
      [['traffic\t1000\t20\t0.1\t1\t300\t1'], /^root@b: 2 % of the requests .* failed: 20 of 1000$/],
      [
        [container('lb', 1, { Running: false })],
        /^root@b: prusa-lb-1 was stopped by hand .* ago \(exit code 0\)/,
      ],
      [
        [`backup\t${JSON.stringify({ result: 'failed', why: 'schedule', error: 'full' })}`],
        /^root@b: The last backup \(schedule\) failed: full$/,
      ],
    ] as const) {
      const told = said(here('root@a'), here('root@b', ...lines)).filter((what) => what.startsWith('root@b:'))
      assert.equal(told.length, alarms.length, told.join('\n'))
      for (const [index, one] of alarms.entries()) assert.match(told[index] ?? '', one)
    }
  })

  test('becomes an alarm when a service has no container', () => {
    const bare = { name: 'root@b', silent: '', facts: facts(container('lb', 1)) }
    assert.deepEqual(said(here('root@a'), bare), [down, 'root@b: There is no container of balancer', few])
  })

  test('becomes alarms of the whole: a rollout that was cut off, unless a run holds the lock', () => {
    const begun = `begun\t${JSON.stringify({ when: 'x', who: 'carl', from: 'old', to: 'new', result: 'unfinished' })}`
    const cut = 'The rollout of new by carl was interrupted'
    assert.deepEqual(said(here('root@a', begun)), [down, cut, few])
    assert.deepEqual(said(here('root@a', begun), here('root@b', 'lock\tcarl@x since y for redeploy')), [
      down,
      few,
    ])
  })

  test('becomes an alarm while a load balancer runs and refuses clients', () => {
    const about = (...lines: string[]) => said(here('root@a', ...lines)).filter((what) => /nginx/.test(what))
    assert.deepEqual(about(), [])
    assert.match(about('answers')[0] ?? '', /^root@a refuses clients: nginx waits/)
    assert.deepEqual(about('answers', container('lb', 1, { Running: false })), [])
  })

  test('becomes an alarm when users get the page of maintenance', () => {
    const closed = `maintenance\tcarl\t${NOW / 1000}`
    const about = (...here: Here[]) => said(...here).filter((what) => /Maintenance/.test(what))
    assert.deepEqual(about(here('root@a'), here('root@b')), [])
    assert.match(
      about(here('root@a'), here('root@b', closed))[0] ?? '',
      /is on at root@b, by carl: users get .*, and not at root@a$/,
    )
    assert.match(about(silent('root@a'), here('root@b', closed))[0] ?? '', /is on at all hosts, by/)
    assert.match(
      about(here('root@a', closed), here('root@b', closed))[0] ?? '',
      /is on at all hosts, by carl/,
    )
  })

  test('becomes an alarm when a host’s certificate is not renewed', () => {
    const of = (name: string, ...renewal: string[]): Here => {
      const ends = Date.now() + 1e10
      const certificate = { fingerprint: '', selfSigned: false, issuer: '', ends, ocsp: false }
      return { ...here(name), facts: { ...facts(), certificate, renewal } }
    }
    assert.deepEqual(
      said(of('root@a', 'it failed at X UTC'), of('root@b')).filter((what) => /ertificate/.test(what)),
      ['root@a: The certificate is not renewed automatically: it failed at X UTC'],
    )
  })

  test('becomes alarms of replicas that ended by themselves, and of those that the kernel killed', () => {
    const [failed] = parseView(
      stack(),
      ['now\t5000', member('a', 'ready', {}), service, task('t4', 1, 'a', 'shutdown', 'failed')].join('\n'),
    ).tasks
    assert.ok(failed)
    const crashed = (host: Here, exitCode = 3) =>
      alarmsOf({ first: new Host('root@a') }, stack(), {
        view: { ...view, tasks: [...view.tasks, { ...failed, container: 'app9', exitCode }] },
        here: [host],
      })
        .map(({ what }) => what)
        .filter((what) => what.startsWith('app.'))
    assert.match(
      crashed(here('root@a'))[0] ?? '',
      /^app\.1 on root@a has crashed, the last time 4\.0 s ago \(1 time in all\)$/,
    )
    assert.deepEqual(crashed(here('root@a'), 255), []) // it ended with its host
    const labels = { 'com.docker.swarm.task.id': 't4' }
    const dead = JSON.parse(container('app', 9, { Running: false, OOMKilled: true }).split('\t')[1] ?? '')
    const host = here('root@a', `container\t${JSON.stringify({ ...dead, Labels: labels })}`)
    assert.match(crashed(host)[0] ?? '', /^app\.1 on root@a was killed for memory 4\.0 s ago/)
  })

  test('becomes the screen of one host, and of each host; the page has a place for each part of it', () => {
    const seen = { view, here: [here('root@a', 'lock\tcarl@x since y for redeploy'), silent('root@b')] }
    const shown = shownOf(stack(), seen, () => 'other settings')
    const { title, ...inside } = parts('prusa', [], shown, '')
    for (const id of Object.keys(inside)) assert.ok(page('prusa', 'root@a', true).includes(`id="${id}"`), id)
    const text = screen(shown)
    assert.match(text, /^release 0123456789ab\nlast rollout aaaa → 9dbc /)
    assert.match(text, /^under way: carl@x since y for redeploy$/m)
    assert.match(
      text,
      /^root@a +up +active +leader +1 +50\.0 GB free of 100\.0 GB +2\.0 GB free of 4\.0 GB$/m,
    )
    assert.match(text, /^root@b +down +active +worker +0 +- +-$/m)
    assert.match(text, /^app\.1 +root@a +0123456789ab +running 4\.0 s .* none +other settings$/m)
    assert.match(text, /^root@a +lb +up .* 10\.0 requests\/s, 0\.1 % failed/m)
    assert.match(text, /^ports +80, 443; database on 127\.0\.0\.1:5432$/m)
  })

  describe('a release is broken when', () => {
    const before: View = { ...view, tasks: [] }
    const of = (tasks: string[], update = '') => {
      const now = parseView(stack(), ['now\t40000', member('a', 'ready', {}), service, ...tasks].join('\n'))
      if (now.service) now.service.update = update
      return reasonOf(now, before, TARGET, 30)?.message
    }
    const crashed = (id: string): string => task(id, 1, 'a', 'shutdown', 'failed', 'task: non-zero exit (3)')

    test('Swarm goes back', () =>
      assert.equal(
        of([crashed('1')], 'rollback_started'),
        'app.1 on root@a crashes (exit code 3, 1 time: task: non-zero exit (3))',
      ))
    test('its replicas end three times', () => {
      assert.equal(of([crashed('1'), crashed('2')]), undefined)
      assert.match(of([crashed('1'), crashed('2'), crashed('3')]) ?? '', /crashes/)
    })
    test('a replica does not answer in time', () =>
      assert.match(of([task('1', 1, 'a', 'running', 'starting')]) ?? '', /has not answered OK within 30 s/))
    test('and is not while they start', () => assert.equal(of([]), undefined))
  })

  test('an old replica that fails is no fault of the release', () => {
    const old: Task[] = view.tasks.map((one) => ({ ...one, state: 'failed' }))
    assert.equal(reasonOf({ ...view, tasks: old }, view, TARGET, 30), undefined)
  })
})
