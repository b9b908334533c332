# shellcheck shell=bash
# Switches live-restore off, which Docker Swarm excludes, and removes what live-restore.sh has installed. Prints what it
# changed.
#   unit            name of the unit
#   program, ports  paths of its programs
: "${unit:?}" "${program:?}" "${ports:?}"

is_on() { [ "$(docker info --format '{{.LiveRestoreEnabled}}')" = true ]; }
if [ ! -e "$program" ] && ! is_on; then exit 0; fi

if [ -d /run/systemd/system ]; then systemctl disable -q --now "$unit" 2>/dev/null || true; fi # its end switches it off
if is_on && [ -e "$program" ]; then "$program" false; fi
for _ in {1..50}; do
  if ! is_on; then
    rm -f "/etc/systemd/system/$unit.service" "/etc/systemd/system/docker.service.d/$unit.conf" "$program" "$ports"
    [ ! -d /run/systemd/system ] || systemctl daemon-reload
    echo 'live-restore is off'
    exit 0
  fi
  sleep 0.1
done
echo 'The Docker Engine keeps live-restore on, and Docker Swarm excludes it: remove it from /etc/docker/daemon.json.' >&2
exit 1
