# shellcheck shell=bash
# Looks at the replicas once a second until the standard input ends. Changes nothing. Prints of each look, with tabs between:
#
#   now MILLISECONDS                                       by the server's clock
#   lock HOLDER                                            who changes the server now
#   step MILLISECONDS STEPS                                since when that run is at these steps, a line for each change
#   begun JSON                                             the rollout that is under way, or was interrupted
#   replica ID NAME IMAGE RUNNING STARTED ADDRESS TARGET   each container of the application
#   place PLACE ADDRESS ...                                as balancer.pl has it
#   end
#
#   folder    of the deployment
#   project
#   balancer  balancer.pl
# Function: held.
: "${folder:?}" "${project:?}" "${balancer:?}"

ours=(--filter "label=com.docker.compose.project=$project" --filter label=com.docker.compose.service=app)
format=$(printf '%s\t' replica '{{.Id}}' '{{.Name}}' '{{.Config.Image}}' '{{.State.Running}}' '{{.State.StartedAt}}' \
  "{{with index .NetworkSettings.Networks \"${project}_frontend\"}}{{.IPAddress}}{{end}}" \
  '{{with index .Config.Labels "prusa.target"}}{{.}}{{end}}')

# One may be removed between being found and being inspected.
replicas() {
  docker ps -aq --no-trunc "${ours[@]}" --filter label=com.docker.compose.oneoff=False | xargs -r docker inspect --format "$format" || true
}
files() {
  local steps
  cd "$folder" 2>/dev/null || return 0
  if held; then
    printf 'lock\t%s\n' "$(<lock.holder)"
    steps=$(tail -n 200 lock.steps | sed 's/^\([0-9]*\) /step\t\1\t/')
    [ -z "$steps" ] || echo "$steps"
  fi
  [ ! -e history.begun ] || sed 's/^/begun\t/' history.begun
}
places() { perl -e "$balancer" "$folder/haproxy/run" look | sed 's/^/place\t/' || true; }

# The engine says when a container comes or goes: only then it is asked for the list.
listen() { exec 3< <(docker events "${ours[@]}" --filter type=container --filter event=start --filter event=die --filter event=destroy --format x </dev/null); }
news() { # whether a container came or went
  local code changed=1
  while read -r -t 0.01 -u 3 _ || { code=$?; false; }; do changed=0; done
  [ "$code" -gt 128 ] || { listen; changed=0; } # the engine was restarted
  return "$changed"
}
watch() {
  local found
  set +e # whatever one look fails at, the next one follows
  listen
  found=$(replicas)
  while :; do
    printf 'now\t%s\n' $((${EPOCHREALTIME/./} / 1000))
    files
    [ -z "$found" ] || echo "$found"
    places
    echo end
    sleep 1
    ! news || found=$(replicas)
  done
}
trap 'trap "" TERM; kill 0' EXIT # what was started here ends with this script
watch 2>/dev/null </dev/null &
cat >/dev/null
