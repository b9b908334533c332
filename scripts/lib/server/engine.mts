/** Docker Engine, Compose and buildx: kept when there and new enough, else from the distribution's archive; running. */
import { CommandError, indent, lastLines, OperatorError } from '../cli/errors.mts'
import type { Host } from '../host/host.mts'
import { join, remote, type Script } from '../host/shell.mts'
import { INSTALL, INSTALL_DEADLINE } from './packages.mts'

/** The oldest versions that all scripts are known to work with: those of Debian 12 and its two pinned packages. */
const ENGINE = '20.10'
const COMPOSE = '2.20'
const BUILDX = '0.10'

/** Seconds until a started engine answers; a cold one on a slow disk loads its containers first. */
const START_DEADLINE = 60
/** Exit code of the script below for an engine that does not start. */
const NOT_STARTING = 80

/** Installs what is missing and sees to it that the engine runs, now and after a reboot; returns what was changed. */
export async function ensureEngine(host: Host): Promise<string[]> {
  const output = await host
    .run('Preparing the Docker Engine', engineScript(), { deadline: INSTALL_DEADLINE })
    .catch((error) => {
      if (!(error instanceof CommandError && error.exitCode === NOT_STARTING)) throw error
      throw new OperatorError(
        `The Docker Engine on ${host.name} does not start; its last words:\n${indent(lastLines(error.output, 10))}`,
        'Put that right (often it is /etc/docker/daemon.json) and run again; on the server, systemctl status docker shows more.',
        'users and packages are prepared.',
      )
    })
  return output.split('\n').filter(Boolean)
}

/** Makes sshd run; on a machine that is reached over ssh it does. */
export async function ensureSshd(host: Host): Promise<string[]> {
  const output = await host.run('Starting sshd', remote('start-sshd'))
  return output.split('\n').filter(Boolean)
}

export function engineScript(): Script {
  const versions = { engine: ENGINE, compose: COMPOSE, buildx: BUILDX }
  return join([INSTALL, remote('engine', { ...versions, deadline: START_DEADLINE, silent: NOT_STARTING })])
}
