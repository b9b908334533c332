# shellcheck shell=bash
# Prints log lines of the containers, and events of the containers, as logs.pl prints them. Includes removed replicas whose
# last lines were kept (keep-log.sh). An event begins with the character 1.
#   folder    of the deployment
#   project   of Compose
#   services  names of services, or of containers with or without the project, separated by blanks; empty: all
#   since     seconds before now, by the server's clock; 0: the last lines, whatever their age
#   lines     number of lines of each container if since is 0
#   follow    yes: continues with new lines until the standard input ends; prints `none` if there is no container to follow yet
#   errors    yes: errors only
#   words     each must be in a line; one a line
#   filter    text of logs.pl
: "${folder:?}" "${project:?}" "${since:?}" "${lines:?}" "${follow?}" "${filter:?}"

ours=(--filter "label=com.docker.compose.project=$project" --filter label=com.docker.compose.oneoff=False)
swarms=(--filter "label=com.docker.swarm.service.name=${project}_app")
mapfile -t grep < <(printf '%s' "$words")
cut=$(date +%FT%T -d "@$(($(date +%s) - since))")

called() { # CONTAINER: prints the name that people know. Swarm's own is PROJECT_app.3.ID.
  case $1 in "${project}_app."*) cut -d. -f1-2 <<<"${1#"${project}_"}" ;; *) echo "$1" ;; esac
}
wanted() { # CONTAINER SERVICE
  local word name
  [ -n "$services" ] || return 0
  name=$(called "$1")
  for word in $services; do
    case $word in "$name" | "$2" | "${name#"$project-"}") return 0 ;; esac
  done
  return 1
}
pick() { perl -e "$filter" "$(called "$1")" "$2" "$errors" "${grep[@]}"; } # CONTAINER SERVICE
last() { if [ "$since" = 0 ]; then tail -n "$lines"; else cat; fi; }
later() { if [ "$since" = 0 ]; then cat; else awk -v cut="$cut" '$1 >= cut'; fi; }

# Without a filter the engine need not read the whole log. It is asked for more lines than are shown, since logs.pl leaves
# out the requests of the scripts.
from=(--since "${cut}Z")
if [ "$since" = 0 ]; then from=(--tail $((lines * 20))); fi
if [ "$since" = 0 ] && [ -n "$errors$words" ]; then from=(); fi

fate() { # CONTAINER
  docker inspect -f '{{with .State}}{{if .Running}}{{if $.RestartCount}}{{.StartedAt}} {{"\x01"}}started again, restart {{$.RestartCount}} since it was made{{end}}{{else if ne .Status "created"}}{{.FinishedAt}} {{"\x01"}}stopped, exit code {{.ExitCode}}{{if .OOMKilled}}, killed for memory{{end}}{{end}}{{end}}' "$1" 2>/dev/null | grep . || true
}
here() { # CONTAINER SERVICE
  { docker logs --timestamps "${from[@]}" "$1" 2>&1 || true; fate "$1" | later; } </dev/null | pick "$1" "$2" | last
}
gone() { # FILE, named TIME.CONTAINER.log
  local name=${1##*/}
  name=${name#*.}
  name=${name%.log}
  ! wanted "$name" app || later <"$1" | pick "$name" app | last
}

containers() { # [OPTION]
  docker ps "$@" "${ours[@]}" --format '{{.Names}} {{.Label "com.docker.compose.service"}}'
  docker ps "$@" "${swarms[@]}" --format '{{.Names}} app'
}

if [ -z "$follow" ]; then
  parts=$(mktemp -d -p /dev/shm 2>/dev/null || mktemp -d) # in memory: the disk may be full
  trap 'rm -rf "$parts"' EXIT
  while read -r name service; do
    ! wanted "$name" "$service" || here "$name" "$service" >"$parts/$name" &
  done < <(containers -a)
  wait
  cat "$parts"/* 2>/dev/null || true
  for file in "$folder"/logs/*.log; do [ ! -e "$file" ] || gone "$file"; done
  exit
fi

any() {
  local name service
  while read -r name service; do ! wanted "$name" "$service" || return 0; done < <(containers -a)
  return 1
}
any || echo none

follow() { # CONTAINER SERVICE OPTION...
  local name=$1 service=$2
  shift 2
  docker logs --timestamps --follow "$@" "$name" 2>&1 </dev/null | pick "$name" "$service" &
}
happens() { # FILTER…: prints events of containers from now on; follows the log of each container that starts
  local time action name service code
  docker events --since "$(date +%s)" "$@" --filter type=container --filter event=start --filter event=die --format \
    '{{.TimeNano}} {{.Action}} {{.Actor.Attributes.name}} {{or (index .Actor.Attributes "com.docker.compose.service") "app"}} {{index .Actor.Attributes "exitCode"}}' </dev/null |
    while read -r time action name service code; do
      wanted "$name" "$service" || continue
      time=$(date +%FT%T.%NZ -d "@${time:0:-9}.${time: -9}")
      if [ "$action" = start ]; then
        printf '%s \001started\n' "$time" | pick "$name" "$service"
        follow "$name" "$service" --since "$time"
      else
        printf '%s \001ended with exit code %s\n' "$time" "$code" | pick "$name" "$service"
      fi
    done
}
trap 'trap "" TERM; kill 0' EXIT # ends all processes of this script
happens "${ours[@]}" &
happens "${swarms[@]}" &
if [ "$since" = 0 ]; then from=(--tail "$lines"); fi
while read -r name service; do
  ! wanted "$name" "$service" || follow "$name" "$service" "${from[@]}"
done < <(containers)
cat >/dev/null
