# shellcheck shell=bash
# Removes what timer.sh has installed, and the program that the timer runs; prints `removed` if there was a timer.
#   name     of the timer
#   program  that the timer runs
: "${name:?}" "${program:?}"

unit=/etc/systemd/system/$name
if [ -e "$unit.timer" ]; then
  systemctl disable -q --now "$name.timer" 2>/dev/null || true
  rm -f "$unit.timer" "$unit.service"
  systemctl daemon-reload 2>/dev/null || true
  echo removed
fi
if [ -e "/etc/cron.d/$name" ]; then
  rm "/etc/cron.d/$name"
  echo removed
fi
rm -f "$program"
