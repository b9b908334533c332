/** When the server renews its certificate: twice a day by a systemd timer, or by cron where there is no systemd. */
import type { StackConfig } from '../config/config.mts'
import type { Host } from '../host/host.mts'
import { join, remote, type Script } from '../host/shell.mts'
import { INSTALL, INSTALL_DEADLINE } from '../server/packages.mts'

/** Seconds. CAs ask their clients not to come all at once. */
const SPREAD = 6 * 3600

export interface Timer {
  by: 'a systemd timer' | 'cron'
  changed: boolean
}

/** Sees to it that the script runs twice a day; returns by what. */
export async function ensureTimer(host: Host, stack: StackConfig): Promise<Timer> {
  const output = await host.run('Preparing the renewal', timerScript(stack), { deadline: INSTALL_DEADLINE })
  const lines = output.split('\n').filter(Boolean)
  return { by: lines.pop() === 'systemd' ? 'a systemd timer' : 'cron', changed: lines.length > 0 }
}

/** Takes the timer and its script away, for another choice of `tls`; returns whether they were there. */
export async function removeTimer(host: Host, stack: StackConfig): Promise<boolean> {
  const output = await host.run('Removing the renewal', noTimerScript(stack))
  return output.trim() !== ''
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
