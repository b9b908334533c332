# shellcheck shell=bash
# Lets containers run on while the Docker Engine restarts or is dead (`live-restore`). Prints what it changed.
#
# When the server shuts down, the engine has to stop the containers, in order: so a unit of systemd switches live-restore off
# before the engine is stopped, and on again after the next start. Docker Swarm excludes it: a swarm is left alone.
#
# An engine that starts makes its rules for published ports anew. Until it has, copies of these rules lead new connections to
# the containers; without them, the kernel would refuse the connections. HAProxy and nginx ask for names by a socket that
# leads to the engine of before for ever, so fresh workers follow. This needs systemd.
#   unit     name of the unit
#   program  path of its program
#   ports    path of the program for the published ports
#   leaving  yes: the server is about to leave its swarm
# Function: write.
: "${unit:?}" "${program:?}" "${ports:?}" "${leaving:?}"

read -r swarm on < <(docker info --format '{{.Swarm.LocalNodeState}} {{.LiveRestoreEnabled}}')
[ "$swarm" = inactive ] || [ "$leaving" = yes ] || exit 0

write "$program" 755 <<'PROGRAM'
#!/bin/bash
# live-restore true|false: changes it in daemon.json, and in the engine if that runs. Returns when the engine has taken it
# over: on a server that shuts down, the engine is told to stop next.
set -eu
config=/etc/docker/daemon.json
mkdir -p /etc/docker
[ -s $config ] || echo '{}' >$config
jq --argjson wanted "$1" '."live-restore" = $wanted' $config >$config.next
mv $config.next $config
for file in /run/docker.pid /run/docker-ssd.pid; do
  pid=$(cat $file 2>/dev/null) && [ "$(cat "/proc/$pid/comm")" = dockerd ] || continue
  kill -HUP "$pid"
  for _ in {1..50}; do
    [ "$(timeout 5 docker info --format '{{.LiveRestoreEnabled}}')" != "$1" ] || exit 0
    sleep 0.1
  done
done
PROGRAM

write "$ports" 755 <<'PORTS'
#!/bin/bash
# docker-keep-ports begin|end: copies the engine's rules for published ports, or removes the copies and lets HAProxy and nginx
# find the engine's DNS again.
for tables in iptables ip6tables; do
  nat() { $tables -w -t nat "$@" 2>/dev/null; }
  jump=(PREROUTING -m addrtype --dst-type LOCAL -j docker-kept)
  case $1 in
    begin)
      nat -N docker-kept || continue # the copies of a start that failed are still there
      nat -S DOCKER | sed -n 's/^-A DOCKER \(.* -j DNAT .*\)/\1/p' |
        while read -ra rule; do nat -A docker-kept "${rule[@]}"; done
      nat -A "${jump[@]}"
      ;;
    end) nat -D "${jump[@]}" && nat -F docker-kept && nat -X docker-kept ;;
  esac
done
[ "$1" = end ] || exit 0
docker ps --no-trunc --format '{{.ID}} {{.Label "com.docker.compose.service"}} {{.Command}}' |
  grep -F /etc/prusa/live/ | while read -r id service _; do
    case $service in balancer) signal=USR2 ;; lb) signal=HUP ;; *) continue ;; esac
    kill -$signal "$(docker inspect -f '{{.State.Pid}}' "$id")" # not docker kill: see reload-nginx.sh
  done
PORTS

# Like write. To write a file beside its place would change the folder, also on a run that changes nothing.
unit_file() {
  local text
  text=$(cat)
  if [ ! -e "$1" ] || [ "$(<"$1")" != "$text" ]; then write "$1" 644 <<<"$text"; fi
}

if [ -d /run/systemd/system ]; then
  mkdir -p /etc/systemd/system/docker.service.d
  changed=$(
    unit_file "/etc/systemd/system/docker.service.d/$unit.conf" <<DROPIN
[Service]
ExecStartPre=-$ports begin
ExecStartPost=-$ports end
DROPIN
    unit_file "/etc/systemd/system/$unit.service" <<UNIT
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
  )
  if [ -n "$changed" ]; then
    systemctl daemon-reload
    echo "$changed"
  fi
  systemctl enable -q --now "$unit"
fi
[ "$on" = true ] && exit
is_on() { [ "$(docker info --format '{{.LiveRestoreEnabled}}')" = true ]; }
"$program" true
! is_on || exit 0
echo 'The Docker Engine does not take live-restore from /etc/docker/daemon.json; see journalctl -u docker.' >&2
exit 1
