# shellcheck shell=bash
# Installs a timer: systemd's, or cron on a server without systemd. Prints what it changed, then `systemd` or `cron`.
#   name      of the timer
#   purpose   what the program does
#   program   its path; under cron its output goes to PROGRAM.log, under systemd to the journal
#   calendar  its times, for systemd
#   cron      its times, for cron
#   spread    seconds: it starts at a random time within this span
# Functions: install, write.
: "${name:?}" "${purpose:?}" "${program:?}" "${calendar:?}" "${cron:?}" "${spread:?}"

if [ -d /run/systemd/system ]; then
  write "/etc/systemd/system/$name.service" 644 <<UNIT
[Unit]
Description=$purpose
After=docker.service network-online.target
Wants=network-online.target

[Service]
Type=oneshot
ExecStart=$program
UNIT
  write "/etc/systemd/system/$name.timer" 644 <<UNIT
[Unit]
Description=$purpose

[Timer]
OnCalendar=$calendar
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
# $purpose
SHELL=/bin/bash
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
$cron root sleep \$((RANDOM \\% $spread)); { tail -n 500 $program.log 2>/dev/null; date -u; $program; } >$program.log.next 2>&1; mv $program.log.next $program.log
CRON
  if ! service cron status >/dev/null 2>&1; then
    service cron start >/dev/null 2>&1 </dev/null # with our output, this script would not end before cron does
    echo 'started cron'
  fi
  echo cron
fi
