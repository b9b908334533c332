/** Timers on the server: systemd's, or cron on a server without systemd. */
import type { Host } from '../host/host.mts'
import { join, remote, type Script } from '../host/shell.mts'
import { INSTALL, INSTALL_DEADLINE } from './packages.mts'

/** A program of the deployment, and the times at which it runs. */
export interface Timer {
  /** Name of systemd's unit, or of cron's file. */
  name: string
  /** What the program does, as a sentence in that file. */
  purpose: string
  /** Path of the program. */
  program: string
  /** For OnCalendar (systemd.time(7)). */
  calendar: string
  /** The five fields of crontab(5). */
  cron: string
  /** Seconds; the program starts at a random time within this span. At least 1. */
  spread: number
}

export interface Timed {
  by: 'a systemd timer' | 'cron'
  changed: boolean
}

/** Installs the timer unless it is there. */
export async function ensureTimer(host: Host, timer: Timer): Promise<Timed> {
  const lines = await host.lines(`Preparing the timer ${timer.name}`, timerScript(timer), {
    deadline: INSTALL_DEADLINE,
  })
  return { by: lines.pop() === 'systemd' ? 'a systemd timer' : 'cron', changed: lines.length > 0 }
}

/** Removes the timer and its program; returns whether there was a timer. */
export async function removeTimer(host: Host, timer: Timer): Promise<boolean> {
  return (await host.lines(`Removing the timer ${timer.name}`, noTimerScript(timer))).length > 0
}

export function timerScript({ name, purpose, program, calendar, cron, spread }: Timer): Script {
  const parameters = { name, purpose, program, calendar, cron, spread }
  return join([INSTALL, remote('write'), remote('timer', parameters)])
}

export const noTimerScript = ({ name, program }: Timer): Script => remote('no-timer', { name, program })
