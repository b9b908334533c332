/** What several hosts get from outside: images by a registry, a certificate by a CA. */
import assert from 'node:assert/strict'
import { debianImages } from '../lib/base-images.mts'
import { get } from '../lib/get.mts'
import { Pebble } from '../lib/pebble.mts'
import { Registry } from '../lib/registry.mts'
import { until } from '../lib/until.mts'
import { type DisposableServer, loadImages } from './disposable.mts'
import type { Hosts } from './hosts.mts'

const DOMAIN = 'site.test'

/** Lets the engines of all hosts take a registry without TLS. */
async function trust(hosts: Hosts, registry: string): Promise<void> {
  const daemon = JSON.stringify({ 'insecure-registries': registry ? [registry] : [] })
  for (const { exec } of hosts.servers)
    await exec(`echo '${daemon}' >/etc/docker/daemon.json; kill -HUP "$(cat /run/docker.pid)"`)
}

/** The site at each host by its name; all must show the certificate of the first one. */
async function answers(hosts: Hosts): Promise<number[]> {
  return await Promise.all(hosts.sites.map(async (site) => (await get(site, '/')).status))
}

/** Each in words, and what is done and asserted. */
export const OUTSIDE: Record<string, (hosts: Hosts) => Promise<void>> = {
  'the first host pushes images into a registry, and the others pull them': async (hosts) => {
    const registry = await Registry.start(hosts.gateway)
    try {
      await trust(hosts, registry.name)
      hosts.configure({ swarm: { registry: `${registry.name}/team` } })
      hosts.edit('import sys', '# by a registry\nimport sys')
      const text = await hosts.must('redeploy')
      const [, second = '', third = ''] = hosts.names
      for (const name of [second, third])
        assert.match(text, new RegExp(`prusa/app:\\w+ to ${name} by ${registry.name}/team`))
      for (const { exec } of hosts.servers)
        assert.doesNotMatch((await exec('docker images')).stdout, new RegExp(registry.name))

      await registry.end()
      hosts.edit('import sys', '# once more\nimport sys')
      const refused = await hosts.run('redeploy')
      assert.equal(refused.exitCode, 1, refused.text)
      assert.match(
        refused.text,
        new RegExp(`✗ ${hosts.names[0]} and the registry ${registry.name}/team: .*refused`),
      )
      assert.match(refused.text, /State: the release that runs goes on/)
      for (const { exec } of hosts.servers)
        assert.doesNotMatch((await exec('docker images')).stdout, new RegExp(registry.name))
    } finally {
      hosts.configure({ swarm: { registry: '' } })
      await trust(hosts, '')
      await registry.remove()
    }
  },

  'a CA gives one certificate to all hosts, whichever of them it asks': async (hosts) => {
    const pebble = await Pebble.start(80, hosts.gateway)
    const [first, ...others] = hosts.servers as [DisposableServer, ...DisposableServer[]]
    const [, , third = ''] = hosts.names
    try {
      await pebble.lead(DOMAIN, third.replace(/.*@/, ''))
      await loadImages(first, [String(debianImages().certbot)])
      hosts.configure({ domain: DOMAIN, tls: 'letsencrypt', letsencrypt: pebble.settings })
      assert.match(await hosts.must('deploy'), /✓ Renewal: certificate of site\.test issued/)
      assert.match(await issuer(first), /Pebble/)
      assert.deepEqual(await answers(hosts), [200, 200, 200])

      const before = await issuer(first)
      assert.equal((await first.exec('/opt/prusa/letsencrypt/renew --force-renewal')).exitCode, 0)
      const renewed = await issuer(first)
      assert.notEqual(renewed, before)
      // What the timers of the other hosts do, without the operator.
      for (const server of others)
        await until('the certificate arrives', async () => {
          await server.exec('/opt/prusa/letsencrypt/renew')
          return (await issuer(server)) === renewed
        })
      assert.deepEqual(await answers(hosts), [200, 200, 200])
    } finally {
      hosts.configure()
      await hosts.must('deploy')
      await pebble.remove()
    }
  },
}

/** Issuer and serial number of the installed certificate. */
async function issuer({ exec }: DisposableServer): Promise<string> {
  return (await exec('openssl x509 -noout -issuer -serial -in /opt/prusa/nginx/tls/certificate.pem')).stdout
}
