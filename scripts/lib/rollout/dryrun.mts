/** What a rollout would do, in words, and nothing done. */

import { count, result } from '../cli/say.mts'
import type { StackConfig } from '../config/config.mts'
import type { Host } from '../host/host.mts'
import { sourceOf } from '../images/application.mts'
import { identityToBe, ownNames } from '../images/base.mts'
import { baseImages, type ImageMode, imageMode, missingImages } from '../images/images.mts'
import { isBuilt, requireThere } from '../images/release.mts'
import { readFleet } from './fleet.mts'
import { type Batch, isDone, type Plan, plan } from './plan.mts'
import { namesOf, type Replica } from './replica.mts'
import { isOf, nameOf, releaseOf, wantedSecrets } from './target.mts'

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
  const [built, secrets, fleet] = await Promise.all([
    isBuilt(host, stack, release),
    wantedSecrets(host, stack),
    readFleet(host, stack),
  ])
  const planned = plan(stack, fleet, (one) => !options.force && isOf({ name, secrets }, one))
  const own = !options.release && !target
  const [shared, its] = [Object.values(images), ownNames(stack, mode)]
  const absent = own ? await missingImages(host, [...shared, ...its]) : []
  const missing = shared.filter(
    (image, index) => absent.includes(image) && absent.includes(its[index] as string),
  )
  const steps = describePlan(stack, planned, name, built, own)
  const { pre_rollout } = stack.hooks
  const hook = pre_rollout && !isDone(planned) ? [`run the hook pre_rollout here: ${pre_rollout}`] : []
  result([...hook, ...missing.map((image) => baseImage(mode, image)), ...steps].join('\n'))
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
  `${mode === 'debian' ? 'make' : 'pull'} the base image ${image}`

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
    ...(built ? [] : [`build release ${release}`]),
    ...(schema ? [`prepare the schema by create_db.py, unless ${release} did so already`] : []),
    ...(leftovers.length > 0 ? [retire(leftovers)] : []),
    ...(adopt.length > 0 ? [ready(namesOf(adopt)), admit(stack, namesOf(adopt))] : []),
    ...batches.flatMap((batch, index) => turn(stack, batch, index, release)),
  ]
}

function turn(stack: StackConfig, { fresh, old }: Batch, index: number, release: string): string[] {
  const names = `the fresh (${index + 1})`
  const start =
    fresh > 0 ? [`start ${count(fresh, 'replica')} of ${release}`, ready(names), admit(stack, names)] : []
  const gone = old.length > 0 ? [`${namesOf(old)}: no new requests`, retire(old)] : []
  return stack.rollout.order === 'stop-first' ? [...gone, ...start] : [...start, ...gone]
}

const ready = (names: string) => `wait until ${names} answers /status with 200 and OK`

const admit = ({ rollout, probe }: StackConfig, names: string) =>
  `${names}: asked for ${probe.path}, then ${rollout.canary.share} % of a share of the requests, then all of it`

const retire = (old: Replica[]) =>
  `${namesOf(old)}: asked to prepare; stopped and removed when it says Ready and holds no request`
