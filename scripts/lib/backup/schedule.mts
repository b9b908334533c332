/** The daily backup, which the server makes by itself. */
import { stringify } from 'yaml'
import { OperatorError } from '../cli/errors.mts'
import type { ServerConfig, StackConfig } from '../config/config.mts'
import { OPENING } from '../host/frame.mts'
import type { Host } from '../host/host.mts'
import { taking } from '../host/lock.mts'
import { bash, join, Script } from '../host/shell.mts'
import { installPackages } from '../server/packages.mts'
import { ensureTimer, removeTimer, type Timer } from '../server/timer.mts'
import { MAKE } from '../stack/secrets.mts'
import { backupScript, passphraseOf } from './backup.mts'

/** Seconds for which it waits for the lock. The next attempt is a day later. */
const PATIENCE = 3600

export function scheduled({ project, folder, backup }: StackConfig): Timer {
  const [hour = '', minute = ''] = (backup.at || '00:00').split(':')
  return {
    name: `${project}-backup`,
    purpose: `Makes a backup of ${project}`,
    program: `${folder}/backup/run`,
    calendar: `*-*-* ${hour}:${minute}:00`,
    cron: `${Number(minute)} ${Number(hour)} * * *`,
    spread: 1,
  }
}

/**
 * Installs the daily backup, or removes it if backup.at is empty.
 * @returns whether that changed anything, and the kind of timer; empty if there is none
 * @throws OperatorError when age refuses the public key
 */
export async function ensureSchedule(
  host: Host,
  stack: StackConfig,
  server: ServerConfig,
): Promise<{ changed: boolean; by: string }> {
  const timer = scheduled(stack)
  if (!stack.backup.at) return { changed: await removeTimer(host, timer), by: '' }
  const folder = `${stack.folder}/backup`
  const installed = await installPackages(host, ['age'])
  await checkKey(host, stack)
  await host.run('Preparing the folder of the backups', folderScript(stack))
  const written = await host.writeFiles([
    // What is deployed, for those who rebuild it elsewhere.
    { path: `${folder}/config/stack.yaml`, content: stringify(stack), mode: '600' },
    { path: `${folder}/config/server.yaml`, content: stringify(server), mode: '600' },
    { path: timer.program, content: programOf(stack).text, mode: '700' },
  ])
  const { by, changed } = await ensureTimer(host, timer)
  return { changed: changed || [...installed, ...written].length > 0, by }
}

/** The program that the timer runs. */
export function programOf(stack: StackConfig): Script {
  const holder = bash`"root@$(hostname) since $(date -u +%FT%TZ) for the daily backup"`
  return join([
    bash`#!/bin/bash
# The server's timer runs this. Written by 04-stack.`,
    new Script(OPENING),
    bash`set -euo pipefail`,
    taking(stack, holder, bash`$(</proc/sys/kernel/random/uuid)`, PATIENCE),
    backupScript(stack, 'schedule', bash`root`, false),
  ])
}

/** The passphrase is made here, so that it can be copied before the first backup. */
function folderScript(stack: StackConfig): Script {
  const passphrase = passphraseOf(stack)
  return join([
    bash`mkdir -p -m 700 ${stack.folder}/backup ${stack.folder}/backup/config`,
    ...(stack.backup.key ? [] : [MAKE, bash`[ -s ${passphrase} ] || make ${passphrase}`]),
  ])
}

async function checkKey(host: Host, { backup }: StackConfig): Promise<void> {
  if (!backup.key) return
  const { exitCode, stderr } = await host.attempt(bash`echo | age -r ${backup.key} >/dev/null`)
  if (exitCode === 0) return
  throw new OperatorError(
    `age refuses the public key backup.key: ${stderr.split('\n')[0]}`,
    'Correct backup.key in config/stack.yaml.',
    'the site runs; the daily backup is as it was before.',
  )
}
