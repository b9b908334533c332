# shellcheck shell=bash
# Takes away what timer.sh has made, and the script that it runs; prints `removed` where it was there.
#   name    of the timer
#   renew   what was run
: "${name:?}" "${renew:?}"

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
rm -f "$renew"
