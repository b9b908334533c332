/** What a rollout would do, with every command, and nothing done. */

import { result } from '../cli/say.mts'
import type { StackConfig } from '../config/config.mts'
import type { Host } from '../host/host.mts'
import { sourceOf } from '../images/application.mts'
import { identityToBe, ownNames } from '../images/base.mts'
import { baseImages, type ImageMode, imageMode, missingImages } from '../images/images.mts'
import { imageOf, isBuilt, requireThere } from '../images/release.mts'
import { type Batch, isDone, type Plan, plan } from './plan.mts'
import { namesOf } from './replica.mts'
import { look } from './scene.mts'
import { folderOf, isOf, nameOf, releaseOf, wantedSecrets } from './target.mts'

/** A release has its name from the Python image, too: before that is made, nobody knows it. */
const UNNAMED = 'RELEASE'

/**
 * Prints the plan of the rollout that would be done now.
 * @param target name of one that is kept on the server; without it what redeploy would start
 */
export async function printPlan(
  host: Host,
  stack: StackConfig,
  options: { release?: string; force?: boolean },
  target?: string,
): Promise<void> {
  const mode = await imageMode(host, stack)
  const images = baseImages(stack, mode)
  const release = await releaseTo(
    host,
    stack,
    target ? releaseOf(target) : options.release,
    await identityToBe(host, stack, mode),
  )
  const name = target ?? nameOf(stack, release)
  const [built, secrets, scene] = await Promise.all([
    isBuilt(host, stack, release),
    wantedSecrets(host, stack),
    look(host, stack),
  ])
  const planned = plan(stack, scene, (one) => !options.force && isOf({ name, secrets }, one))
  const own = !options.release && !target
  const [shared, its] = [Object.values(images), ownNames(stack, mode)]
  const absent = own ? await missingImages(host, [...shared, ...its]) : []
  const missing = shared.filter(
    (image, index) => absent.includes(image) && absent.includes(its[index] as string),
  )
  const steps = describePlan(stack, planned, name, built, own)
  result([...missing.flatMap((image) => baseImage(mode, image)), ...steps].join('\n'))
}

async function releaseTo(
  host: Host,
  stack: StackConfig,
  named: string | undefined,
  python: string | undefined,
): Promise<string> {
  if (!named) return python ? sourceOf(stack, python).release : UNNAMED
  await requireThere(host, stack, named)
  return named
}

const baseImage = (mode: ImageMode, image: string) =>
  mode === 'debian'
    ? [`make the base image ${image}`, `  docker build --tag ${image}`]
    : [`pull the base image ${image}`, `  docker pull -q ${image}`]

/**
 * @param name   of the target
 * @param built  whether the image is there
 * @param schema whether the release prepares its schema
 */
export function describePlan(
  stack: StackConfig,
  plan: Plan,
  name: string,
  built: boolean,
  schema: boolean,
): string[] {
  const { adopt, leftovers, batches } = plan
  const release = releaseOf(name)
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
    ...batches.flatMap((batch, index) => turn(stack, batch, index, name)),
  ]
}

function turn(stack: StackConfig, { fresh, old }: Batch, index: number, name: string): string[] {
  const out = namesOf(old)
  const start = [
    `start ${fresh} of ${releaseOf(name)}`,
    `  cd ${folderOf(stack, name)}`,
    `  docker compose --env-file stack.env -f stack.yaml create --no-recreate --scale app=+${fresh} app; docker start FRESH`,
    ...ready(`the fresh (${index + 1})`),
  ]
  const swap = (sides: (string | false)[]) => [
    `load balancer: ${sides.filter(Boolean).join(', ')}`,
    `  to haproxy/run/admin.sock: set server app/PLACE weight 100% for in, 0% for out`,
  ]
  const gone = out ? retire(stack, out) : []
  if (stack.rollout.order === 'stop-first' && out)
    return [...swap([`${out} out`]), ...gone, ...(fresh > 0 ? [...start, ...swap(['fresh in'])] : [])]
  return [...(fresh > 0 ? start : []), ...swap([fresh > 0 && 'fresh in', out && `${out} out`]), ...gone]
}

const ready = (names: string) => [
  `wait until ${names} answers 200 OK`,
  '  HAProxy asks /status; to haproxy/run/admin.sock: show stat',
]

const retire = (stack: StackConfig, names: string) => [
  `drain and stop ${names}`,
  '  curl http://REPLICA:5000/prepare-for-deploy; curl http://REPLICA:5000/ready-for-deploy until 200 Ready',
  '  wait for nginx’s old workers',
  `  docker stop --time ${stack.rollout.stop_timeout} ${names}; docker rm ${names}`,
]
