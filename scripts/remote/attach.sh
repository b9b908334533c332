# shellcheck shell=bash
# Starts the containers of a deployment that the engine could not attach to Swarm's networks: after a host was lost or
# booted, the engine may find remains of the earlier attachment. It gives up then, and the next attempt succeeds. A container
# that was stopped by hand stays stopped.
#   project  of Compose
#   seconds  for which it looks
#   once     yes: ends as soon as nothing is left to start
: "${project:?}" "${seconds:?}" "${once:?}"

left() { # prints the ids; 255 is the exit code of a container that ended with its host
  docker ps -aq --filter "label=com.docker.compose.project=$project" --filter label=com.docker.compose.oneoff=False \
    --filter status=exited --filter status=created |
    xargs -r docker inspect -f '{{if or .State.Error (eq .State.ExitCode 255)}}{{.Id}}{{end}}' | grep . || true
}

end=$((SECONDS + seconds))
while [ $SECONDS -lt $end ]; do
  ids=$(left 2>/dev/null)
  if [ -z "$ids" ] && [ "$once" = yes ]; then break; fi
  for id in $ids; do docker start "$id" || true; done >&2
  sleep $((1 + SECONDS / 30)) # most of them run within seconds
done
