/** What several files of tests use together, one file after the other. One process runs them: tests/stack/NAME.group.mts. */
import { copyOf } from './application.mts'
import { Deployment } from './deployment.mts'
import type { Settings } from './settings.mts'

/** Settings for somebody else's application with the contract of the task sheet. */
export const MINIMAL = { app: { source: 'tests/apps/minimal' } }

/** A thing that is made for its first user and removed by its last one. */
export class Shared<T> {
  #made: Promise<T> | undefined
  #users = 0
  readonly #afterwards: (() => PromiseLike<unknown>)[] = []

  constructor(
    private readonly make: () => Promise<T>,
    private readonly remove: (made: T) => Promise<void>,
  ) {}

  /** For `before`: node runs the hooks of all files before their first test, so that the number of users is known then. */
  async take(): Promise<T> {
    this.#users++
    this.#made ??= this.make()
    return await this.#made
  }

  /** For `after`. @param afterwards what is to be done when it is removed */
  async leave(afterwards: () => PromiseLike<unknown> = async () => {}): Promise<void> {
    this.#afterwards.push(afterwards)
    if (--this.#users > 0) return
    const made = await this.#made?.catch(() => undefined)
    this.#made = undefined
    if (made) await this.remove(made)
    for (const work of this.#afterwards.splice(0)) await work()
  }
}

/** A deployment of app/ that has not begun when the first file gets it. */
export const beginning = new Shared(
  () => Deployment.prepare(),
  (site) => site.remove(),
)

/** A deployment of that application, and a copy of its source for tests that make other releases of it. */
export const changing = new Shared(
  async () => {
    const site = await Deployment.prepare()
    const source = copyOf(site, MINIMAL.app.source)
    await Deployment.start({ app: { source } }, site)
    return { site, source }
  },
  ({ site }) => site.remove(),
)

const deployments = new Map<string, Shared<Deployment>>()

/** The running deployment of all files that want the same settings. Each test leaves it as it found it, or says so. */
export function deployment(settings: Settings = {}): Shared<Deployment> {
  const key = JSON.stringify(settings)
  const made = deployments.get(key)
  if (made) return made
  const fresh = new Shared(
    () => Deployment.start(settings),
    (site) => site.remove(),
  )
  deployments.set(key, fresh)
  return fresh
}
