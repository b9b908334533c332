# shellcheck shell=bash
# Has a service of one container run, and waits until it answers; prints `started` where it had to be started.
# `compose` is given.
#   service
#   container  its name
#   begin      command that has it run
#   answers    command in it that succeeds when the service answers
#   deadline   seconds
: "${service:?}" "${container:?}" "${deadline:?}"
declare -a begin answers

started() { docker inspect -f '{{.State.StartedAt}}' "$container" 2>/dev/null || true; }

before=$(started)
"${begin[@]}" >&2
end=$((SECONDS + deadline))
until docker exec "$container" "${answers[@]}" >/dev/null 2>&1; do
  if [ $SECONDS -ge $end ]; then
    echo "$service does not answer; its last words:" >&2
    docker logs --tail 15 "$container" >&2
    exit 1
  fi
  sleep 0.2
done
[ "$before" = "$(started)" ] || echo started
