/** Docker Engine, Compose and buildx: kept when they are new enough, else installed from the distribution's archive. */
import { CommandError, indent, lastLines, OperatorError } from '../cli/errors.mts'
import type { Host } from '../host/host.mts'
import { join, remote, type Script } from '../host/shell.mts'
import { INSTALL, INSTALL_DEADLINE } from './packages.mts'

/** The oldest versions that the scripts are tested with: those of Debian 12, and its two packages from Debian 13. */
const ENGINE = '20.10'
const COMPOSE = '2.20'
const BUILDX = '0.10'

/** Seconds until a started engine answers: with a slow disk, loading its containers takes a while. */
const START_DEADLINE = 60
/** Exit code of engine.sh when the engine does not start. */
const NOT_STARTING = 80

/**
 * Installs what is missing, and starts the engine, now and at each boot.
 * @returns what it changed, a few words each
 * @throws OperatorError when the engine does not start, with the end of its log
 */
export async function ensureEngine(host: Host): Promise<string[]> {
  const options = { deadline: INSTALL_DEADLINE }
  return await host.lines('Preparing the Docker Engine', engineScript(), options).catch((error) => {
    if (!(error instanceof CommandError && error.exitCode === NOT_STARTING)) throw error
    throw new OperatorError(
      `The Docker Engine on ${host.name} does not start. The end of its log:\n${indent(lastLines(error.output, 10))}`,
      'Correct the cause (often it is /etc/docker/daemon.json), then run again. systemctl status docker on the server shows more.',
      'users and packages are prepared.',
    )
  })
}

/**
 * Lets containers run on while the engine restarts or is dead. When the server shuts down, the engine still stops them.
 * @param leaving whether the server is about to leave its swarm; else one in a swarm is left alone
 * @returns what it changed, a few words each
 */
export async function outliveEngine(host: Host, leaving = false): Promise<string[]> {
  const changed = await host.lines('Setting up live-restore', liveRestoreScript(leaving))
  return changed.length > 0 ? ['containers outlive its restarts'] : []
}

const FOLDER = '/usr/local/sbin'
/** The unit of systemd that switches live-restore, and its two programs. */
export const LIVE_RESTORE = {
  unit: 'docker-live-restore',
  program: `${FOLDER}/docker-live-restore`,
  ports: `${FOLDER}/docker-keep-ports`,
}

export function liveRestoreScript(leaving = false): Script {
  return join([remote('write'), remote('live-restore', { ...LIVE_RESTORE, leaving: leaving ? 'yes' : 'no' })])
}

/** Starts sshd where it does not run: only on this machine, since another one is reached over ssh. */
export async function ensureSshd(host: Host): Promise<string[]> {
  return await host.lines('Starting sshd', remote('start-sshd'))
}

export function engineScript(): Script {
  const versions = { engine: ENGINE, compose: COMPOSE, buildx: BUILDX }
  return join([INSTALL, remote('engine', { ...versions, deadline: START_DEADLINE, silent: NOT_STARTING })])
}
