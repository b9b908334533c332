/** When the server renews its certificate: twice a day by a systemd timer, or by cron where there is no systemd. */
import type { StackConfig } from './config.mts'
import { writeScript } from './files.mts'
import type { Host } from './host.mts'
import { INSTALL, INSTALL_DEADLINE } from './packages.mts'
import { bash, join, type Script } from './shell.mts'

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
const unitOf = (stack: StackConfig, kind: string) => `/etc/systemd/system/${nameOf(stack)}.${kind}`
const cronOf = (stack: StackConfig) => `/etc/cron.d/${nameOf(stack)}`
const renewOf = (stack: StackConfig) => `${stack.folder}/letsencrypt/renew`

/** Prints what it changed, and `systemd` or `cron` at last. */
export function timerScript(stack: StackConfig): Script {
  const name = nameOf(stack)
  const units = [
    { path: unitOf(stack, 'service'), content: service(stack) },
    { path: unitOf(stack, 'timer'), content: timer(stack) },
  ]
  return join([
    INSTALL,
    bash`
if [ -d /run/systemd/system ]; then`,
    writeScript(units),
    bash`
  systemctl daemon-reload
  if ! systemctl is-enabled -q ${name}.timer 2>/dev/null || ! systemctl is-active -q ${name}.timer; then
    systemctl enable -q --now ${name}.timer
    echo 'enabled'
  fi
  echo systemd
else
  command -v cron >/dev/null || { install cron >&2; echo 'installed cron'; }`,
    writeScript([{ path: cronOf(stack), content: crontab(stack) }]),
    bash`
  # Its output would be ours, and we would wait for it to end.
  service cron status >/dev/null 2>&1 || { service cron start >/dev/null 2>&1 </dev/null; echo 'started cron'; }
  echo cron
fi`,
  ])
}

export function noTimerScript(stack: StackConfig): Script {
  return bash`
if [ -e ${unitOf(stack, 'timer')} ]; then
  systemctl disable -q --now ${nameOf(stack)}.timer 2>/dev/null || true
  rm -f ${unitOf(stack, 'timer')} ${unitOf(stack, 'service')}
  systemctl daemon-reload 2>/dev/null || true
  echo removed
fi
if [ -e ${cronOf(stack)} ]; then rm ${cronOf(stack)}; echo removed; fi
rm -f ${renewOf(stack)}`
}

// What it prints goes to the journal.
const service = (stack: StackConfig) => `[Unit]
Description=Renews the certificate of ${stack.domain} when it is due
After=docker.service network-online.target
Wants=network-online.target

[Service]
Type=oneshot
ExecStart=${renewOf(stack)}
`

const timer = (stack: StackConfig) => `[Unit]
Description=Renews the certificate of ${stack.domain} twice a day when it is due

[Timer]
OnCalendar=*-*-* 00,12:00:00
RandomizedDelaySec=${SPREAD}
# A server that was off at the time makes up for it.
Persistent=true

[Install]
WantedBy=timers.target
`

// Where there is no systemd there may be no syslog either, so it keeps a log of its own: of the last runs only.
const crontab = (stack: StackConfig) => {
  const log = `${stack.folder}/letsencrypt/renew.log`
  return `# Renews the certificate of ${stack.domain} when it is due.
SHELL=/bin/bash
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
0 0,12 * * * root sleep $((RANDOM \\% ${SPREAD})); { tail -n 500 ${log} 2>/dev/null; date -u; ${renewOf(stack)}; } >${log}.next 2>&1; mv ${log}.next ${log}
`
}
