# shellcheck shell=bash
# Lets containers run on while the Docker Engine restarts or is dead (`live-restore`). Prints what it changed.
#
# When the server shuts down, the engine has to stop the containers, in order: so a unit of systemd switches live-restore off
# before the engine is stopped, and on again after the next start. Docker Swarm excludes it: a swarm is left alone.
#   unit     name of the unit
#   program  path of its program
# Function: write.
: "${unit:?}" "${program:?}"

read -r swarm on < <(docker info --format '{{.Swarm.LocalNodeState}} {{.LiveRestoreEnabled}}')
[ "$swarm" = inactive ] || exit 0

write "$program" 755 <<'PROGRAM'
#!/bin/bash
# live-restore true|false: changes it in daemon.json, and in the engine if that runs.
set -eu
config=/etc/docker/daemon.json
mkdir -p /etc/docker
[ -s $config ] || echo '{}' >$config
jq --argjson wanted "$1" '."live-restore" = $wanted' $config >$config.next
mv $config.next $config
for file in /run/docker.pid /run/docker-ssd.pid; do
  pid=$(cat $file 2>/dev/null) && [ "$(cat "/proc/$pid/comm")" = dockerd ] || continue
  kill -HUP "$pid"
  exit
done
PROGRAM

if [ -d /run/systemd/system ]; then
  read -r -d '' text <<UNIT || true
[Unit]
Description=Containers outlive a restart of Docker, and are stopped in order when the server stops
After=docker.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=$program true
ExecStop=$program false

[Install]
WantedBy=multi-user.target
UNIT
  file=/etc/systemd/system/$unit.service
  # To write it beside its place would change the folder, also on a run that changes nothing.
  if [ ! -e "$file" ] || [ "$(<"$file")" != "$text" ]; then
    write "$file" 644 <<<"$text"
    systemctl daemon-reload
  fi
  systemctl enable -q --now "$unit"
fi
[ "$on" = true ] && exit
is_on() { [ "$(docker info --format '{{.LiveRestoreEnabled}}')" = true ]; }
"$program" true
for _ in {1..50}; do
  ! is_on || exit 0
  sleep 0.1
done
echo 'The Docker Engine does not take live-restore from /etc/docker/daemon.json; see journalctl -u docker.' >&2
exit 1
