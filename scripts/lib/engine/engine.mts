/** What depends on the engine: Docker Compose for one host, Docker Swarm for several. run.mts alone decides which one it is. */
import type { Board } from '../dashboard/board.mts'
import type { Feed } from '../dashboard/feed.mts'
import type { Host } from '../host/host.mts'
import type { BaseImages } from '../images/images.mts'
import type { Entry } from '../proof/history.mts'
import type { Planner } from '../rollout/dryrun.mts'
import type { Target } from '../rollout/target.mts'
import type { Alarm } from '../status/alarm.mts'
import type { Seen, Verdict } from '../verify/verdict.mts'

/** What is rolled out, and how. */
export interface Wanted {
  /** Kept on the server. */
  target: Target
  /** Whether create_db.py runs first. */
  schema?: boolean
  /** Whether the history says that it is a rollback. */
  rollback?: boolean
  /** Whether replicas are replaced although they are as wanted. */
  again?: boolean
}

/** What `npm run status` shows. */
export interface Status {
  /** What is wrong, and the command that helps. */
  alarms: readonly Alarm[]
  /** What `--json` prints beside them. */
  facts: object
  /** Empty: no container is there. */
  screen: string
  /** What redeploy would change, or why that is not known; empty: nothing. */
  note: string
}

/** A replica for those who want to get at it. */
export interface Located {
  name: string
  /** Its name, and with several hosts its host's. */
  title: string
  host: Host
  /** Its container's id. */
  container: string
  running: boolean
}

/** Each method gets the host that a run works with: of several, a manager. */
export interface Engine {
  /** All of them. The first one holds the data. */
  readonly hosts: readonly Host[]
  /** Whether the hosts can serve together. Changes nothing. @throws OperatorError with every problem at once */
  check(): Promise<void>
  /** Sets up the Docker Engine of a host. @returns what it changed, a few words each */
  setUp(host: Host): Promise<string[]>
  /** The step that makes the hosts one, once each is prepared. */
  unite(): Promise<void>
  /** The step that brings the images of a release to the hosts that do not have them. @param manager has them */
  bring(manager: Host, release: string, images: BaseImages): Promise<void>
  /** The hosts that are in use. Says why the others are not. */
  present(manager: Host): Promise<Host[]>
  /** The steps that give the hosts what their containers need. @returns the hosts that are in use */
  equip(manager: Host): Promise<Host[]>
  /** Makes the files of the other hosts those of one. @returns what changed, a few words for each host */
  mirror(from: Host, hosts: readonly Host[]): Promise<string[]>
  /** The step that gives the passwords of a host to the others. @param hosts those that answer */
  share(from: Host, hosts: readonly Host[]): Promise<void>
  /** @param what needs the data @throws OperatorError unless the host holds it */
  requireData(host: Host, what: string): void
  /** What a rollout would do with the replicas. */
  planner(manager: Host): Planner
  /** The names of the targets that run, the latest last. */
  targets(manager: Host): Promise<string[]>
  /** The name of the target that serves, or of the one that did; undefined: there is no replica. */
  servingTarget(manager: Host): Promise<string | undefined>
  /** The replicas: on one host in any state, of several hosts those that serve. */
  replicas(manager: Host): Promise<Located[]>
  /**
   * Replaces replicas by fresh ones of the target that runs, and says so first. The caller holds the lock.
   * @param some whether the others stay
   */
  replace(manager: Host, again: readonly Located[], some: boolean): Promise<void>
  /** Rolls a target out. The caller holds the lock. @throws OperatorError when the earlier replicas serve again */
  rollOut(manager: Host, wanted: Wanted): Promise<void>
  /** Looks at what runs. */
  look(manager: Host): Promise<Status>
  /** What fills the board of `npm run dashboard`. */
  feed(board: Board): Feed
  /** The verdict on each line of the task sheet. @param seen of each host, the one with the data first */
  judge(manager: Host, seen: readonly [Seen, ...Seen[]], rollout?: Entry): Promise<Verdict[]>
  /** The steps that end what is no container of Compose, before a deployment is removed. @param hosts those that answer */
  end(manager: Host, hosts: readonly Host[]): Promise<void>
  /** The step that takes the hosts apart afterwards. @param hosts those that answer */
  leave(manager: Host, hosts: readonly Host[]): Promise<void>
}
