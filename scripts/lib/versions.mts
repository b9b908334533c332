/** What is installed in the base images, and what the archive has for them that is newer. */
import type { Host } from './host.mts'
import type { BaseImages } from './images.mts'
import { bash } from './shell.mts'

/** Seconds for one image: two fetches of package lists over a slow line. */
const DEADLINE = 300

/** Name → version → the images that have it. */
export type Versions = Map<string, Map<string, string[]>>

export interface Upgrade {
  image: string
  name: string
  from: string
  to: string
  /** Where the newer version is: `stable,stable-security`. */
  suites: string
}

export interface Scan {
  versions: Versions
  upgrades: Upgrade[]
}

/** Looks into each image by a container that is gone afterwards; the archive is asked as the server's own apt asks it. */
export async function scan(host: Host, images: BaseImages): Promise<Scan> {
  const outputs = await Promise.all(
    Object.entries(images).map(async ([service, image]) => {
      const output = await host.run(`Scanning ${image}`, scanScript(image), { deadline: DEADLINE })
      return output
        .split('\n')
        .filter(Boolean)
        .map((line) => [service, ...line.split('\t')])
    }),
  )
  return parseScan(outputs.flat())
}

// apt lists one by one, so that an image whose dependencies are cut short (postgres goes without LLVM) is looked into too:
// `NAME/SUITE,SUITE NEW ARCH [upgradable from: OLD]`. nginx comes from testing in Debian mode; the image has forgotten that
// archive, so it is asked once more, for nginx alone.
function scanScript(image: string) {
  return bash`
settings=$(mktemp)
trap 'rm -f "$settings"' EXIT
apt-config dump 2>/dev/null | grep -E '^Acquire::(Check-Valid-Until|Check-Date|Retries|https?::Proxy)\b' >"$settings" || true
docker run --rm -i --user 0 --entrypoint sh -v "$settings":/etc/apt/apt.conf.d/99server:ro ${image} <<'SCAN'
set -eu
dpkg-query -W -f 'package\t\${Package}\t\${Version}\n'
upgrades() {
  list=$(apt list --upgradable 2>/dev/null)
  echo "$list" | sed -nE 's/^([^/]+)\/([^ ]+) ([^ ]+) [^ ]+ \[upgradable from: ([^]]+)\]$/upgrade\t\1\t\4\t\3\t\2/p'
}
apt-get update -qq >&2
upgrades
if [ -e /etc/apt/sources.list ] && dpkg-query -W nginx >/dev/null 2>&1; then
  sed -n '/ trixie main/s/ trixie / testing /p' /etc/apt/sources.list >/etc/apt/sources.list.d/testing.list
  apt-get update -qq >&2
  upgrades | grep '^upgrade.nginx' || true
fi
SCAN`
}

/** @param lines fields: service, `package`, name, version; or service, `upgrade`, name, from, to, where */
export function parseScan(lines: string[][]): Scan {
  const versions: Versions = new Map()
  const upgrades: Upgrade[] = []
  for (const [image = '', kind, name = '', from = '', to = '', suites = ''] of lines)
    if (kind === 'package') add(versions, name, from, image)
    else if (kind === 'upgrade') upgrades.push({ image, name, from, to, suites })
  return { versions, upgrades }
}

function add(versions: Versions, name: string, version: string, image: string): void {
  const known = versions.get(name) ?? new Map<string, string[]>()
  known.set(version, [...(known.get(version) ?? []), image].sort())
  versions.set(name, known)
}

/** The list as it stands in docs/versions.md. */
export function versionsPage(versions: Versions): string {
  const rows = [...versions].flatMap(([name, known]) =>
    [...known].map(([version, images]) => `| ${name} | ${version} | ${images.join(' ')} |`),
  )
  return `# What is in the images of Debian mode

Compared by \`npm run scan\`; written anew by \`npm run scan -- --write\`, to be reviewed as a change.

| package | version | images |
|---|---|---|
${rows.sort().join('\n')}
`
}

/** The lines that are in one of the two pages only: \`- …\` was reviewed, \`+ …\` is there now. */
export function differences(reviewed: string, now: string): string[] {
  const rows = (page: string) => page.split('\n').filter((line) => line.startsWith('| '))
  const [before, after] = [rows(reviewed), rows(now)]
  const gone = before.filter((line) => !after.includes(line)).map((line) => `- ${line}`)
  const come = after.filter((line) => !before.includes(line)).map((line) => `+ ${line}`)
  return [...gone, ...come].sort((a, b) => a.slice(2).localeCompare(b.slice(2)))
}
