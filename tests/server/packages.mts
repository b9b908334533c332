/** What a deployment installs, and from where. */
import assert from 'node:assert/strict'
import type { DisposableServer } from './disposable.mts'
import type { Suite } from './image/build.mts'

/** Versions of the installed packages, by name. */
export type Installed = Map<string, string>

/** What Debian 12 does not have. */
const FROM_DEBIAN_13: Record<Suite, string[]> = { trixie: [], bookworm: ['docker-buildx', 'docker-compose'] }

const FOREIGN = `
apt-cache policy $(dpkg-query -W -f '\${Package} ') |
  awk '/^[^ ]/ {name = $1} /^ \\*\\*\\*/ {getline; if (/trixie/) print name}' | tr -d :`

export async function installed(server: DisposableServer): Promise<Installed> {
  const { stdout } = await server.exec(`dpkg-query -W -f '\${Package} \${Version}\\n'`)
  const lines = stdout.split('\n').filter(Boolean)
  return new Map(lines.map((line) => line.split(' ') as [string, string]))
}

/** Debian 13 gets everything from its own archive, Debian 12 two packages from that of Debian 13; neither is upgraded. */
export async function fromOwnArchive(
  server: DisposableServer,
  suite: Suite,
  before: Installed,
): Promise<void> {
  const now = await installed(server)
  for (const [name, version] of before) assert.equal(now.get(name), version, name)
  for (const name of ['docker.io', 'docker-compose', 'docker-buildx']) assert.ok(now.has(name), name)
  const added = await server.exec('ls -A /etc/apt/sources.list.d /etc/apt/preferences.d')
  assert.equal(/docker/.test(added.stdout), suite === 'bookworm', added.stdout)
  if (suite === 'trixie') return
  const { stdout } = await server.exec(FOREIGN)
  assert.deepEqual(stdout.split('\n').filter(Boolean).sort(), FROM_DEBIAN_13[suite])
  const upgrade = await server.exec('apt-get upgrade --simulate; apt-get dist-upgrade --simulate')
  assert.doesNotMatch(upgrade.stdout, /trixie|Debian:13/)
}
