/**
 * The base images: official ones from a registry, or images with the same contract made from the Debian archive.
 * `auto` decides once and keeps its decision on the server: a registry that fails later must not replace the database.
 */
import path from 'node:path'
import { NOTHING_CHANGED, OperatorError } from '../cli/errors.mts'
import type { Doing } from '../cli/live.mts'
import { say, warn } from '../cli/say.mts'
import { ROOT, type StackConfig, sourceFolder } from '../config/config.mts'
import type { Host } from '../host/host.mts'
import { bash, join, remote } from '../host/shell.mts'
import { INSTALL, INSTALL_DEADLINE } from '../server/packages.mts'
import { buildProgress } from './progress.mts'
import { askRegistry, judgeAnswers, undecided } from './registry.mts'
import { requirementFiles } from './requirements.mts'
import { digest, entriesOf } from './source.mts'

const MODES = ['registry', 'debian'] as const
export type ImageMode = (typeof MODES)[number]
export type Service = keyof StackConfig['base_images']
/** Name of each image that the deployment needs; certbot's only with tls: letsencrypt. */
export type BaseImages = Record<Exclude<Service, 'certbot'>, string> & { certbot?: string }

/** Seconds to pull or make one image. */
const IMAGE_DEADLINE = 900

const DEBIAN_FOLDER = path.join(ROOT, 'compose/debian')
const DEBIAN_VERSIONS: Record<Service, string> = {
  postgres: '17',
  redis: '8',
  nginx: '1.30',
  haproxy: '3.2',
  python: '3.13',
  certbot: '4.0',
}
export const BASE = `prusa-debian/base:trixie-${digest(path.join(DEBIAN_FOLDER, 'base.sh')).slice(0, 8)}`

/** The names of the base images in a mode. In Debian mode they contain a digest of what the image is made from. */
export function baseImages(stack: StackConfig, mode: ImageMode): BaseImages {
  const name = (service: Service) =>
    mode === 'registry'
      ? stack.base_images[service]
      : `prusa-debian/${service}:${DEBIAN_VERSIONS[service]}-${digest(...ingredients(stack, service)).slice(0, 8)}`
  const services = (Object.keys(DEBIAN_VERSIONS) as Service[]).filter(
    (service) => service !== 'certbot' || stack.tls === 'letsencrypt',
  )
  return Object.fromEntries(services.map((service) => [service, name(service)])) as BaseImages
}

export const byService = (images: BaseImages) => Object.entries(images) as [Service, string][]

/** The configured mode, or the one that `auto` decided. @throws OperatorError when nothing was decided yet */
export async function imageMode(host: Host, stack: StackConfig): Promise<ImageMode> {
  const mode = stack.images === 'auto' ? await remembered(host, stack) : stack.images
  if (mode) return mode
  throw new OperatorError('There are no images yet', 'npx zx scripts/02-build.mts', NOTHING_CHANGED)
}

/** The mode; with `auto`, decides it unless it was decided before. @throws OperatorError when the registry's answer is unclear */
export async function decideImageMode(host: Host, stack: StackConfig): Promise<ImageMode> {
  if (stack.images !== 'auto') return stack.images
  const file = decisionFile(stack)
  const earlier = await remembered(host, stack)
  if (earlier) {
    say(
      `images: auto decided for “${earlier}” earlier. To decide again: sudo rm ${file} on the server, then run this again.`,
    )
    return earlier
  }
  const judged = judgeAnswers(await askRegistry(host, Object.values(baseImages(stack, 'registry'))))
  if (judged.usable === undefined) throw undecided(judged)
  const mode = judged.usable ? 'registry' : 'debian'
  const images = judged.usable ? 'official images' : 'images made on the server from the Debian archive'
  warn(`images: auto decided for “${mode}”: ${images}, since ${judged.reason}.`)
  warn(
    `Later runs keep this decision. To decide again: sudo rm ${file} on the server, then npx zx scripts/02-build.mts. To choose yourself, set images: in config/stack.yaml.`,
  )
  await host.run('Keeping the decision', bash`mkdir -p -m 700 ${stack.folder}`)
  await host.writeFiles([{ path: file, content: `${mode}\n` }])
  return mode
}

/** Pulls or makes base images under the names that all deployments on the engine share. */
export async function provide(
  host: Host,
  stack: StackConfig,
  mode: ImageMode,
  wanted: string[],
  fresh = false,
  doing: Doing = () => {},
): Promise<void> {
  if (wanted.length > 0 && mode === 'debian') await makeBase(host, stack, fresh, doing)
  const underWay = new Map<Service, string>()
  const tell = () => doing([...underWay].map((pair) => pair.join(' ').trim()).join(', '))
  const one = async (service: Service, image: string) => {
    const at = (now: string) => {
      underWay.set(service, now)
      tell()
    }
    at('')
    if (mode === 'debian') await makeImage(host, stack, service, image, fresh, at)
    else await host.run(`Pulling ${image}`, bash`docker pull -q ${image}`, { deadline: IMAGE_DEADLINE })
    underWay.delete(service)
    tell()
  }
  // In parallel: while one waits for the archive, another is unpacked. If one fails, the others are still waited for.
  const images = byService(baseImages(stack, mode)).filter(([, image]) => wanted.includes(image))
  const provided = images.map((image) => one(...image))
  await Promise.allSettled(provided)
  await Promise.all(provided)
}

/** The images that the engine does not have. @throws CommandError when the engine does not answer */
export async function missingImages(host: Host, images: string[]): Promise<string[]> {
  return await host.lines(
    'Looking for images',
    bash`
docker image inspect --format found ${images} >/dev/null 2>&1 && exit
for image in ${images}; do
  said=$(docker image inspect --format found "$image" 2>&1) && continue
  [[ $said == *'No such image'* ]] || { echo "$said" >&2; exit 1; }
  echo "$image"
done`,
  )
}

const decisionFile = (stack: StackConfig) => `${stack.folder}/images`

async function remembered(host: Host, stack: StackConfig): Promise<ImageMode | undefined> {
  const output = await host.run('Reading the decision', bash`cat ${decisionFile(stack)} 2>/dev/null || true`)
  return MODES.find((mode) => mode === output.trim())
}

function ingredients(stack: StackConfig, service: Service): string[] {
  const own = [path.join(DEBIAN_FOLDER, 'base.sh'), path.join(DEBIAN_FOLDER, service)]
  const source = sourceFolder(stack)
  return service === 'python'
    ? [...own, ...requirementFiles(source).map((name) => path.join(source, name))]
    : own
}

/** Makes the folder in which images are built on the server; returns its path. */
export async function buildFolder(host: Host, stack: StackConfig): Promise<string> {
  const folder = `${stack.folder}/build`
  await host.run('Making the build folder', bash`mkdir -p -m 700 ${stack.folder}; mkdir -p ${folder}`)
  return folder
}

async function makeBase(host: Host, stack: StackConfig, fresh: boolean, doing: Doing): Promise<void> {
  const folder = await buildFolder(host, stack)
  await host.copyFolder(DEBIAN_FOLDER, ['base.sh'], `${folder}/debian`)
  const script = join([INSTALL, remote('make-base', { ...stack.debian, folder, image: BASE, fresh })])
  const progress = (line: string) => doing(`Debian ${line}`)
  await host.run('Making the Debian base image', script, { deadline: INSTALL_DEADLINE, progress })
}

async function makeImage(
  host: Host,
  stack: StackConfig,
  service: Service,
  image: string,
  fresh: boolean,
  doing: Doing,
): Promise<void> {
  const folder = await buildFolder(host, stack)
  // Named after its content: the engine knows contexts by the last part of their path only.
  const context = `${folder}/${path.posix.basename(image).replace(':', '-')}`
  const own = path.join(DEBIAN_FOLDER, service)
  await host.copyFolder(
    own,
    entriesOf(own).map(({ name }) => name),
    context,
  )
  if (service === 'python') {
    const source = sourceFolder(stack)
    await host.copyFolder(source, requirementFiles(source), `${context}/requirements`)
  }
  await host.run(
    `Making ${image}`,
    bash`
cd ${context}
trap 'rm -rf "$PWD"' EXIT
DOCKER_BUILDKIT=1 docker build --progress plain --no-cache=${fresh} --secret id=aptconf,src=../aptconf --build-arg ${`BASE=${BASE}`} --tag ${image} . >&2`,
    { deadline: IMAGE_DEADLINE, progress: buildProgress(doing) },
  )
}
