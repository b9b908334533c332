/** What depends on the engine: Docker Compose for one host, Docker Swarm for several. run.mts alone decides which one it is. */
import type { Host } from '../host/host.mts'
import type { BaseImages } from '../images/images.mts'

export interface Engine {
  /** Whether the hosts can serve together. Changes nothing. @throws OperatorError with every problem at once */
  check(): Promise<void>
  /** Whether what runs is by this engine. @throws OperatorError when `deploy` has to change that first */
  requireServing(): Promise<void>
  /** Sets up the Docker Engine of a host. @returns what it changed, a few words each */
  setUp(host: Host): Promise<string[]>
  /** The step that makes the hosts one, once each is prepared. */
  unite(): Promise<void>
  /** The step that brings the images of a release to the hosts that do not have them. @param manager has them */
  bring(manager: Host, release: string, images: BaseImages): Promise<void>
  /** The steps that give the hosts what their containers need. @returns the hosts that are in use */
  equip(manager: Host): Promise<Host[]>
  /** The steps that end what is no container of Compose, before a deployment is removed. */
  end(manager: Host): Promise<void>
  /** What is left to remove afterwards. */
  removeNetworks(manager: Host): Promise<void>
}
