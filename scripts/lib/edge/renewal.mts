/** The timer that runs the renewal script twice a day: systemd's, or cron on a server without systemd. */
import type { StackConfig } from '../config/config.mts'
import type { Host } from '../host/host.mts'
import { join, remote, type Script } from '../host/shell.mts'
import { INSTALL, INSTALL_DEADLINE } from '../server/packages.mts'

/** Seconds. The renewal starts at a random time within this span: CAs ask their clients to spread the load. */
const SPREAD = 6 * 3600

export interface Timer {
  by: 'a systemd timer' | 'cron'
  changed: boolean
}

/** Installs the timer unless it is there. */
export async function ensureTimer(host: Host, stack: StackConfig): Promise<Timer> {
  const lines = await host.lines('Preparing the renewal', timerScript(stack), { deadline: INSTALL_DEADLINE })
  return { by: lines.pop() === 'systemd' ? 'a systemd timer' : 'cron', changed: lines.length > 0 }
}

/** Removes the timer and its script, which another choice of `tls` does not need; returns whether they were there. */
export async function removeTimer(host: Host, stack: StackConfig): Promise<boolean> {
  return (await host.lines('Removing the renewal', noTimerScript(stack))).length > 0
}

const nameOf = (stack: StackConfig) => `${stack.project}-certificate`
const renewOf = (stack: StackConfig) => `${stack.folder}/letsencrypt/renew`

export function timerScript(stack: StackConfig): Script {
  const renew = renewOf(stack)
  const parameters = { name: nameOf(stack), domain: stack.domain, renew, log: `${renew}.log`, spread: SPREAD }
  return join([INSTALL, remote('write'), remote('timer', parameters)])
}

export function noTimerScript(stack: StackConfig): Script {
  return remote('no-timer', { name: nameOf(stack), renew: renewOf(stack) })
}
