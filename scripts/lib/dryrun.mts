/** What a rollout would do, with every command, and nothing done. */
import { sourceOf } from './application.mts'
import type { StackConfig } from './config.mts'
import { wantedConfig } from './definition.mts'
import type { Host } from './host.mts'
import { baseImages, type ImageMode, imageMode, missingImages } from './images.mts'
import { type Batch, isDone, type Plan, plan } from './plan.mts'
import { imageOf, isBuilt, requireBuilt } from './release.mts'
import { namesOf } from './replica.mts'
import type { Options } from './run.mts'
import { result } from './say.mts'
import { look } from './scene.mts'

/** Prints the plan of the rollout that redeploy would do now. */
export async function printPlan(host: Host, stack: StackConfig, options: Options): Promise<void> {
  const mode = await imageMode(host, stack)
  const images = baseImages(stack, mode)
  const release = options.release ?? sourceOf(stack, images.python).release
  if (options.release) await requireBuilt(host, stack, release)
  const built = await isBuilt(host, stack, release)
  const config = built ? await wantedConfig(host, stack, images, release) : undefined
  const planned = plan(stack, await look(host, stack), (one) => !options.force && one.config === config)
  const missing = options.release ? [] : await missingImages(host, Object.values(images))
  const steps = describePlan(stack, planned, release, built, options.release === undefined)
  result([...missing.flatMap((image) => baseImage(mode, image)), ...steps].join('\n'))
}

const baseImage = (mode: ImageMode, image: string) =>
  mode === 'debian'
    ? [`make the base image ${image}`, `  docker build --tag ${image}`]
    : [`pull the base image ${image}`, `  docker pull -q ${image}`]

/**
 * @param built  whether the image is there
 * @param schema whether the release prepares its schema
 */
export function describePlan(
  stack: StackConfig,
  plan: Plan,
  release: string,
  built: boolean,
  schema: boolean,
): string[] {
  const { adopt, leftovers, batches } = plan
  if (built && isDone(plan)) return [`Release ${release} is already running: nothing to do.`]
  return [
    ...(built
      ? []
      : [
          `build release ${release}`,
          `  docker build --tag ${imageOf(stack, release)} ${stack.folder}/build/${release}`,
        ]),
    ...(schema
      ? [
          `prepare the schema, unless ${release} did so already`,
          '  docker compose run --no-deps --entrypoint python app create_db.py',
        ]
      : []),
    ...(leftovers.length > 0 ? retire(stack, namesOf(leftovers)) : []),
    ...(adopt.length > 0 ? ready(namesOf(adopt)) : []),
    ...batches.flatMap((batch, index) => turn(stack, batch, index, release)),
  ]
}

function turn(stack: StackConfig, { fresh, old }: Batch, index: number, release: string): string[] {
  const out = namesOf(old)
  const start = [
    `start ${fresh} of ${release}`,
    `  RELEASE=${release} docker compose create --no-recreate --scale app=+${fresh} app; docker start FRESH`,
    ...ready(`the fresh (${index + 1})`),
  ]
  const swap = (sides: (string | false)[]) => [
    `load balancer: ${sides.filter(Boolean).join(', ')}`,
    `  nginx -t; mv upstream.conf; kill -HUP of nginx`,
  ]
  const gone = out ? retire(stack, out) : []
  if (stack.rollout.order === 'stop-first' && out)
    return [...swap([`${out} out`]), ...gone, ...(fresh > 0 ? [...start, ...swap(['fresh in'])] : [])]
  return [...(fresh > 0 ? start : []), ...swap([fresh > 0 && 'fresh in', out && `${out} out`]), ...gone]
}

const ready = (names: string) => [`wait until ${names} answers 200 OK`, '  curl http://REPLICA:5000/status']

const retire = (stack: StackConfig, names: string) => [
  `drain and stop ${names}`,
  '  curl http://REPLICA:5000/prepare-for-deploy; curl http://REPLICA:5000/ready-for-deploy until 200 Ready',
  '  wait for nginx’s old workers',
  `  docker stop --time ${stack.rollout.stop_timeout} ${names}; docker rm ${names}`,
]
