# shellcheck shell=bash
# Installs the timer that renews the certificate: systemd's, or cron on a server without systemd. Prints what it changed,
# then `systemd` or `cron`.
#   name    of the timer
#   domain
#   renew   script that is run twice a day
#   log     file for the script's output under cron; under systemd it goes to the journal
#   spread  seconds: the script starts at a random time within this span
# Functions: install, write.
: "${name:?}" "${domain:?}" "${renew:?}" "${log:?}" "${spread:?}"

if [ -d /run/systemd/system ]; then
  write "/etc/systemd/system/$name.service" 644 <<UNIT
[Unit]
Description=Renews the certificate of $domain when it is due
After=docker.service network-online.target
Wants=network-online.target

[Service]
Type=oneshot
ExecStart=$renew
UNIT
  write "/etc/systemd/system/$name.timer" 644 <<UNIT
[Unit]
Description=Renews the certificate of $domain twice a day when it is due

[Timer]
OnCalendar=*-*-* 00,12:00:00
RandomizedDelaySec=$spread
# A server that was off at that time runs it after its start.
Persistent=true

[Install]
WantedBy=timers.target
UNIT
  systemctl daemon-reload
  if ! systemctl is-enabled -q "$name.timer" 2>/dev/null || ! systemctl is-active -q "$name.timer"; then
    systemctl enable -q --now "$name.timer"
    echo 'enabled'
  fi
  echo systemd
else
  if ! command -v cron >/dev/null; then
    install cron >&2
    echo 'installed cron'
  fi
  # Without systemd there may be no syslog either, so the last runs have a log of their own.
  write "/etc/cron.d/$name" 644 <<CRON
# Renews the certificate of $domain when it is due.
SHELL=/bin/bash
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
0 0,12 * * * root sleep \$((RANDOM \\% $spread)); { tail -n 500 $log 2>/dev/null; date -u; $renew; } >$log.next 2>&1; mv $log.next $log
CRON
  if ! service cron status >/dev/null 2>&1; then
    service cron start >/dev/null 2>&1 </dev/null # with our output, this script would not end before cron does
    echo 'started cron'
  fi
  echo cron
fi
