/**
 * The base images: official ones from a registry, or ones with the same contract made from the Debian archive alone.
 * `auto` decides once and leaves its decision on the server, so that a registry's bad day cannot switch a database.
 */
import { existsSync } from 'node:fs'
import path from 'node:path'
import { ROOT, type StackConfig } from './config.mts'
import { OperatorError } from './errors.mts'
import type { Host } from './host.mts'
import { INSTALL, INSTALL_DEADLINE } from './packages.mts'
import { list, warn } from './say.mts'
import { bash } from './shell.mts'
import { digest } from './source.mts'

export type ImageMode = 'registry' | 'debian'
type Service = keyof StackConfig['base_images']
/** Name of each image that the deployment needs; certbot's only where certificates come by ACME. */
export type BaseImages = Record<Exclude<Service, 'certbot'>, string> & { certbot?: string }

/** Seconds that asking the registry may take; one that hangs costs no more. */
const ASK_DEADLINE = 10
/** Seconds for fetching or making one image. */
const IMAGE_DEADLINE = 900

const DEBIAN_FOLDER = path.join(ROOT, 'compose/debian')
const DEBIAN_VERSIONS: Record<Service, string> = {
  postgres: '17',
  redis: '8',
  nginx: '1.30',
  python: '3.13',
  certbot: '4.0',
}
const BASE = `prusa-debian/base:trixie-${digest(path.join(DEBIAN_FOLDER, 'base.sh')).slice(0, 8)}`

/** The names of the base images in a mode. Debian ones are named after what they are made from, so that a name that exists is up to date. */
export function baseImages(stack: StackConfig, mode: ImageMode): BaseImages {
  const name = (service: Service) =>
    mode === 'registry'
      ? stack.base_images[service]
      : `prusa-debian/${service}:${DEBIAN_VERSIONS[service]}-${digest(...ingredients(stack, service)).slice(0, 8)}`
  return {
    postgres: name('postgres'),
    redis: name('redis'),
    nginx: name('nginx'),
    python: name('python'),
    ...(stack.tls === 'letsencrypt' && { certbot: name('certbot') }),
  }
}

/** The decision that stands: the configuration's, or the one remembered on the server. */
export async function imageMode(host: Host, stack: StackConfig): Promise<ImageMode> {
  const mode = stack.images === 'auto' ? await remembered(host, stack) : stack.images
  if (mode) return mode
  throw new OperatorError(
    'No images have been made yet',
    'npx zx scripts/02-build.mts',
    'nothing was changed.',
  )
}

/** Decides where images come from when that is open, and says so loudly. */
export async function decideImageMode(host: Host, stack: StackConfig): Promise<ImageMode> {
  if (stack.images !== 'auto') return stack.images
  const earlier = await remembered(host, stack)
  if (earlier) return earlier
  const { mode, reason } = await askRegistry(host, baseImages(stack, 'registry'))
  const told =
    mode === 'registry' ? 'official images from the registry' : 'images made here from the Debian archive'
  warn(`images: auto decided for “${mode}”: ${told}, since ${reason}.`)
  warn(
    `It stays so from now on (${decisionFile(stack)}). To choose yourself, set images: in config/stack.yaml.`,
  )
  await host.run('Remembering the decision', bash`mkdir -p -m 700 ${stack.folder}`)
  await host.writeFiles([{ path: decisionFile(stack), content: `${mode}\n` }])
  return mode
}

/** Fetches or makes the base images that are missing; returns their names. */
export async function ensureBaseImages(host: Host, stack: StackConfig, mode: ImageMode): Promise<string[]> {
  const images = baseImages(stack, mode)
  const missing = await missingImages(host, Object.values(images))
  const wanted = (Object.entries(images) as [Service, string][]).filter(([, image]) =>
    missing.includes(image),
  )
  if (wanted.length > 0 && mode === 'debian') await makeBase(host, stack)
  for (const [service, image] of wanted)
    if (mode === 'debian') await makeImage(host, stack, service, image)
    else await host.run(`Pulling ${image}`, bash`docker pull -q ${image}`, { deadline: IMAGE_DEADLINE })
  return missing
}

/** Those of the images that the engine does not have. */
export async function missingImages(host: Host, images: string[]): Promise<string[]> {
  const output = await host.run(
    'Looking for images',
    bash`for image in ${images}; do docker image inspect "$image" >/dev/null 2>&1 || echo "$image"; done`,
  )
  return output.split('\n').filter(Boolean)
}

/** @throws OperatorError when the engine does not have the image */
export async function requireImage(host: Host, image: string): Promise<void> {
  if ((await missingImages(host, [image])).length === 0) return
  throw new OperatorError(
    `The image ${image} is not there yet`,
    'npx zx scripts/02-build.mts',
    'nothing was changed.',
  )
}

const decisionFile = (stack: StackConfig) => `${stack.folder}/images`

async function remembered(host: Host, stack: StackConfig): Promise<ImageMode | undefined> {
  const output = await host.run('Reading the decision', bash`cat ${decisionFile(stack)} 2>/dev/null || true`)
  return output.trim() ? (output.trim() as ImageMode) : undefined
}

/**
 * Asks through the engine itself, which may have a mirror, a proxy or a login of its own. "Pulling" is printed as
 * soon as the registry has answered with the image's manifest; a long download after that is no reason to give up.
 */
async function askRegistry(host: Host, images: BaseImages): Promise<{ mode: ImageMode; reason: string }> {
  const answer = await host.attempt(
    bash`
for image in ${Object.values(images)}; do docker image inspect "$image" >/dev/null 2>&1 || missing=$image; done
[ -n "\${missing:-}" ] || exit 0
timeout ${ASK_DEADLINE} docker pull "$missing" >/tmp/ask.$$ 2>&1 && status=0 || status=$?
grep -E 'Pulling from|Pulling fs layer' /tmp/ask.$$ && status=0
tail -n1 /tmp/ask.$$ >&2
rm /tmp/ask.$$
exit $status`,
    { deadline: 2 * ASK_DEADLINE },
  )
  if (answer.exitCode === 0) return { mode: 'registry', reason: 'the registry answers' }
  const silent = answer.exitCode === 124 || answer.exitCode === null
  const reason = silent
    ? `the registry gave no answer in ${ASK_DEADLINE} s`
    : `the registry cannot be used (${answer.stderr.trim()})`
  return { mode: 'debian', reason }
}

function ingredients(stack: StackConfig, service: Service): string[] {
  const own = [path.join(DEBIAN_FOLDER, 'base.sh'), path.join(DEBIAN_FOLDER, service)]
  return service === 'python' ? [...own, requirements(stack)] : own
}

const requirements = (stack: StackConfig) =>
  path.join(path.resolve(ROOT, stack.app.source), 'requirements.txt')

/** Where images are built on the server; made when it is missing. */
export async function buildFolder(host: Host, stack: StackConfig): Promise<string> {
  const folder = `${stack.folder}/build`
  await host.run('Making the build folder', bash`mkdir -p -m 700 ${stack.folder}; mkdir -p ${folder}`)
  return folder
}

async function makeBase(host: Host, stack: StackConfig): Promise<void> {
  const { mirror, security_mirror } = stack.debian
  const folder = await buildFolder(host, stack)
  await host.copyFolder(DEBIAN_FOLDER, `${folder}/debian`)
  await host.run(
    'Making the Debian base image',
    bash`
${INSTALL}
cd ${folder}
needed() { ! docker image inspect ${BASE} >/dev/null 2>&1; }
equipped() { command -v mmdebstrap >/dev/null && [ -e /usr/share/keyrings/debian-archive-keyring.gpg ]; }
if needed && ! equipped; then install mmdebstrap debian-archive-keyring; fi
DEBIAN_MIRROR=${mirror} DEBIAN_SECURITY_MIRROR=${security_mirror} bash debian/base.sh aptconf ${BASE}`,
    { deadline: INSTALL_DEADLINE },
  )
}

async function makeImage(host: Host, stack: StackConfig, service: Service, image: string): Promise<void> {
  const folder = `${await buildFolder(host, stack)}/debian/${service}`
  if (service === 'python' && existsSync(requirements(stack)))
    await host.copyFile(requirements(stack), `${folder}/requirements.txt`)
  await host.run(
    `Making ${image}`,
    bash`cd ${folder}; DOCKER_BUILDKIT=1 docker build --progress plain --secret id=aptconf,src=../../aptconf --build-arg ${`BASE=${BASE}`} --tag ${image} . >&2`,
    { deadline: IMAGE_DEADLINE },
  )
}

export function describe(missing: string[], mode: ImageMode): string {
  if (missing.length === 0) return 'there: nothing to do'
  return `${mode === 'debian' ? 'made' : 'pulled'} ${list(missing)}`
}
