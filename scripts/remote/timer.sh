# shellcheck shell=bash
# Sees to it that the server renews its certificate: by a systemd timer, or by cron where there is no systemd. Prints what it
# changed, and `systemd` or `cron` at last. `install` and `write` are given.
#   name    of the timer
#   domain
#   renew   what is run, twice a day
#   log     of what cron has run
#   spread  seconds. CAs ask their clients not to come all at once.
: "${name:?}" "${domain:?}" "${renew:?}" "${log:?}" "${spread:?}"

if [ -d /run/systemd/system ]; then
  # What it prints goes to the journal.
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
# A server that was off at the time makes up for it.
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
  # Where there is no systemd there may be no syslog either, so it keeps a log of its own: of the last runs only.
  write "/etc/cron.d/$name" 644 <<CRON
# Renews the certificate of $domain when it is due.
SHELL=/bin/bash
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
0 0,12 * * * root sleep \$((RANDOM \\% $spread)); { tail -n 500 $log 2>/dev/null; date -u; $renew; } >$log.next 2>&1; mv $log.next $log
CRON
  if ! service cron status >/dev/null 2>&1; then
    service cron start >/dev/null 2>&1 </dev/null # its output would be ours, and we would wait for it to end
    echo 'started cron'
  fi
  echo cron
fi
