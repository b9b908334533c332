/** The facts that verify judges, as a server has them that meets every requirement. */
import type { Container } from '../../scripts/lib/verify/facts.mts'
import type { Seen } from '../../scripts/lib/verify/outside.mts'
import type { Facts } from '../../scripts/lib/verify/verdict.mts'

export const seen = (status: number, more: Partial<Seen> = {}): Seen => ({
  status,
  body: '',
  location: '',
  tls: 'TLSv1.3',
  error: '',
  ...more,
})

function container(service: string, ports: Container['ports'] = [], number = 1): Container {
  return {
    name: `prusa-${service}-${number}`,
    service,
    running: true,
    restartPolicy: 'unless-stopped',
    ports,
  }
}

export const published = (port: number) => ['0.0.0.0', '::'].map((address) => ({ address, port }))
const hidden = (path: string) => ({ path, status: 404, reached: 0 })

/** The facts of a server that meets every requirement. Each call makes new ones, for a test to break. */
export function perfect(): Facts {
  const user = (sudo: boolean) => ({
    exists: 'yes',
    key: 'yes',
    shadow: '*',
    sudo: sudo ? 'yes' : 'a password is required',
    accepts: 'yes',
    login: 'yes',
  })
  return {
    front: {
      http: 80,
      https: 443,
      certificate: { issuer: 'localhost', selfSigned: true, ends: Date.UTC(2029, 1, 25, 12) },
      days: 824,
    },
    inside: {
      users: { prusa_admin: user(true), prusa_non_admin: user(false) },
      packages: ['curl', 'wget', 'vim', 'nano', 'jq'],
      containers: [
        container('db', [{ address: '127.0.0.1', port: 5432 }]),
        container('redis'),
        container('app'),
        container('app', [], 2),
        container('lb', [...published(80), ...published(443)]),
      ],
      replicas: [
        { name: 'prusa-app-1', release: '1a2b3c', redis: '+PONG' },
        { name: 'prusa-app-2', release: '1a2b3c', redis: '+PONG' },
      ],
      logged: [],
      killed: [],
      database: {
        'app owner': 'app',
        'app writes': '1',
        'developer reads palindroms': '3',
        'developer INSERT': 'permission denied for table palindroms',
        'developer CREATE': 'permission denied for schema public',
        'developer TEMPORARY': 'permission denied to create temporary tables in database "prusa"',
      },
      admin: { none: '401', wrong: '401', right: '200' },
    },
    outside: {
      redirect: seen(301, { location: 'https://localhost/some?page=1', tls: '' }),
      hello: seen(200, { body: 'Hello, world!' }),
      status: seen(200, { body: 'OK' }),
      palindrome: seen(200),
      hidden: [
        '/prepare-for-deploy',
        '/ready-for-deploy',
        '/%70repare%2Dfor-deploy',
        '/./x/../ready-for-deploy',
      ].map(hidden),
      throughSsh: '',
      sample: { failed: 0, why: [], perReplica: { '172.18.0.3:5000': 50, '172.18.0.4:5000': 50 } },
    },
    rollout: {
      when: '2026-01-02T03:04:05.000Z',
      who: 'root',
      from: 'old',
      to: '1a2b3c',
      result: 'released',
      requests: 400,
      failed: 0,
      seconds: 12,
      schemaChanged: false,
    },
  }
}
