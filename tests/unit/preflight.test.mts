/** The check of a server before the deployment: each problem alone, and several together. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Facts, judge, parseFacts } from '../../scripts/lib/server/preflight.mts'

const GOOD: Facts = {
  distribution: 'debian',
  version: '13',
  pretty: 'Debian GNU/Linux 13 (trixie)',
  memoryMb: 1990,
  diskMb: 20_000,
  mount: '/data',
  takes: [],
  ports: [],
}

const UNSUPPORTED = 'is not supported: use Debian 12 or 13, or Ubuntu 24.04.'
const FREE = 'free 5120 MB on /data (apt-get clean; docker image prune).'
const STOP = 'stop it, or choose another port in config/stack.yaml.'

describe('the problems of a server:', () => {
  const cases: [what: string, change: Partial<Facts>, problems: string[]][] = [
    ['a good server', {}, []],
    ['Debian 12', { version: '12' }, []],
    ['Ubuntu 24.04', { distribution: 'ubuntu', version: '24.04' }, []],
    [
      'an older Debian',
      { version: '11', pretty: 'Debian GNU/Linux 11 (bullseye)' },
      [`Debian GNU/Linux 11 (bullseye) ${UNSUPPORTED}`],
    ],
    [
      'a Debian version of another distribution',
      { distribution: 'ubuntu', version: '12', pretty: 'Ubuntu 12' },
      [`Ubuntu 12 ${UNSUPPORTED}`],
    ],
    [
      'another distribution',
      { distribution: 'fedora', version: '42', pretty: 'Fedora Linux 42' },
      [`Fedora Linux 42 ${UNSUPPORTED}`],
    ],
    [
      'a distribution without a name',
      { distribution: '', version: '', pretty: '' },
      [`An unknown system ${UNSUPPORTED}`],
    ],
    ['just enough memory', { memoryMb: 700 }, []],
    ['little memory', { memoryMb: 699 }, ['699 MB of memory are too little: give it at least 700 MB.']],
    ['just enough disk', { diskMb: 5120 }, []],
    ['a gigabyte of disk, when no image is missing', { missing: 0, diskMb: 1024 }, []],
    [
      'less than a gigabyte, when no image is missing',
      { missing: 0, diskMb: 1023 },
      ['1023 MB of free disk are too little: free 1024 MB on /data (apt-get clean; docker image prune).'],
    ],
    ['enough disk for the one missing image', { missing: 1, diskMb: 1792 }, []],
    [
      'too little disk for the one missing image',
      { missing: 1, diskMb: 1791 },
      ['1791 MB of free disk are too little: free 1792 MB on /data (apt-get clean; docker image prune).'],
    ],
    ['little disk', { diskMb: 5119 }, [`5119 MB of free disk are too little: ${FREE}`]],
    [
      'little disk, and what takes its space',
      { diskMb: 5119, takes: [{ bytes: 9e9, what: '/var/log/big' }] },
      [`5119 MB of free disk are too little: ${FREE.replace('.', '; /var/log/big 9.0 GB.')}`],
    ],
    [
      'a port that this deployment has taken',
      { ports: [{ port: 443, holder: 'prusa prusa-lb-1', ours: true }] },
      [],
    ],
    [
      'a port that another program has taken',
      { ports: [{ port: 80, holder: '/usr/sbin/apache2 -k start', ours: false }] },
      [`Port 80 is taken by /usr/sbin/apache2 -k start: ${STOP}`],
    ],
    [
      'everything at once',
      {
        distribution: 'alpine',
        version: '3.20',
        pretty: 'Alpine Linux v3.20',
        memoryMb: 128,
        diskMb: 0,
        ports: [
          { port: 80, holder: 'caddy run', ours: false },
          { port: 443, holder: 'prusa prusa-lb-1', ours: true },
          { port: 5432, holder: 'the container other-db-1', ours: false },
        ],
      },
      [
        `Alpine Linux v3.20 ${UNSUPPORTED}`,
        '128 MB of memory are too little: give it at least 700 MB.',
        `0 MB of free disk are too little: ${FREE}`,
        `Port 80 is taken by caddy run: ${STOP}`,
        `Port 5432 is taken by the container other-db-1: ${STOP}`,
      ],
    ],
  ]
  for (const [what, change, problems] of cases)
    test(what, () => assert.deepEqual(judge({ ...GOOD, ...change }), problems))

  test('a port that an unknown program has taken', () => {
    const [problem = ''] = judge({ ...GOOD, ports: [{ port: 80, holder: '', ours: false }] })
    assert.match(problem, /^Port 80 is taken by \w/)
  })
})

describe('parseFacts', () => {
  test('reads the output of the script', () => {
    const output = [
      'distribution\tubuntu',
      'version\t24.04',
      'pretty\tUbuntu 24.04.2 LTS',
      'memory\t3915',
      `disk\t${15_012 * 2 ** 20}\t${20_000 * 2 ** 20}\t/data`,
      'takes\t5000000000\tbackups',
      'missing\t1',
      'port\t80\tnginx: master process /usr/sbin/nginx -g daemon on;\t',
      'port\t443\tprusa prusa-lb-1\tours',
      'port\t5432\tthe container prusa2-db-1\t',
      '',
    ]
    assert.deepEqual(parseFacts(output.join('\n')), {
      distribution: 'ubuntu',
      version: '24.04',
      pretty: 'Ubuntu 24.04.2 LTS',
      memoryMb: 3915,
      diskMb: 15_012,
      mount: '/data',
      takes: [{ bytes: 5_000_000_000, what: 'backups' }],
      missing: 1,
      ports: [
        { port: 80, holder: 'nginx: master process /usr/sbin/nginx -g daemon on;', ours: false },
        { port: 443, holder: 'prusa prusa-lb-1', ours: true },
        { port: 5432, holder: 'the container prusa2-db-1', ours: false },
      ],
    })
  })

  test('of an empty output gives a server that is refused', () => {
    assert.equal(judge(parseFacts('')).length, 3)
  })
})
