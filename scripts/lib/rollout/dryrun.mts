/** What a rollout would do, in words. It does nothing. */

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
import { isOf, nameOf, releaseOf, type Target, wantedSecrets } from './target.mts'

/** The name of a release depends on the Python image. It is not known before that image is made. */
const UNNAMED = 'RELEASE'

/** What the engine would do with the replicas. */
export interface Turns {
  /** Whether nothing is to be done. */
  done: boolean
  steps: string[]
}

/** @param force whether replicas are replaced although they are as wanted */
export type Planner = (target: Target, force: boolean) => Promise<Turns>

/** The turns of the loop on one host. */
export const planFor =
  (host: Host, stack: StackConfig): Planner =>
  async (target, force) => {
    const planned = plan(stack, await readFleet(host, stack), (one) => !force && isOf(target, one))
    return { done: isDone(planned), steps: describeTurns(stack, planned, target.release) }
  }

/**
 * Prints the plan of a rollout.
 * @param target name of a target that the server keeps; without it, the one that redeploy would start
 */
export async function printPlan(
  host: Host,
  stack: StackConfig,
  options: { release?: string; force?: boolean },
  planner: Planner,
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
  const [built, secrets] = await Promise.all([isBuilt(host, stack, release), wantedSecrets(host, stack)])
  const turns = await planner({ name, release, secrets }, options.force === true)
  const own = !options.release && !target
  const [shared, its] = [Object.values(images), ownNames(stack, mode)]
  const absent = own ? await missingImages(host, [...shared, ...its]) : []
  const missing = shared.filter(
    (image, index) => absent.includes(image) && absent.includes(its[index] as string),
  )
  const steps = describePlan(turns, release, built, own)
  const { pre_rollout } = stack.hooks
  const hook = pre_rollout && !turns.done ? [`run the hook pre_rollout here: ${pre_rollout}`] : []
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
 * @param built  whether the image is there
 * @param schema whether create_db.py runs
 */
export function describePlan(
  { done, steps }: Turns,
  release: string,
  built: boolean,
  schema: boolean,
): string[] {
  if (built && done) return [`Release ${release} is already running: nothing to do.`]
  return [
    ...(built ? [] : [`build release ${release}`]),
    ...(schema ? [`prepare the schema by create_db.py, unless ${release} has done so`] : []),
    ...steps,
  ]
}

/** What is done with the replicas, in words. */
export function describeTurns(
  stack: StackConfig,
  { adopt, leftovers, batches }: Plan,
  release: string,
): string[] {
  return [
    ...(leftovers.length > 0 ? [retire(leftovers)] : []),
    ...(adopt.length > 0 ? [ready(namesOf(adopt)), admit(stack, namesOf(adopt))] : []),
    ...batches.flatMap((batch, index) => turn(stack, batch, index, release)),
  ]
}

function turn(stack: StackConfig, { fresh, old }: Batch, index: number, release: string): string[] {
  const names = `the fresh replicas (${index + 1})`
  const start =
    fresh > 0 ? [`start ${count(fresh, 'replica')} of ${release}`, ready(names), admit(stack, names)] : []
  const gone = old.length > 0 ? [`send no new requests to ${namesOf(old)}`, retire(old)] : []
  return stack.rollout.order === 'stop-first' ? [...gone, ...start] : [...start, ...gone]
}

const ready = (names: string) => `wait for 200 and OK at /status of ${names}`

const admit = ({ rollout, probe }: StackConfig, names: string) =>
  `ask ${names} for ${probe.path}, then send ${rollout.canary.share} % of a full share of the requests there, then all of it`

const retire = (old: Replica[]) =>
  `ask ${namesOf(old)} to prepare; stop and remove each when it says Ready and holds no request`
