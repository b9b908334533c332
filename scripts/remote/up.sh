# shellcheck shell=bash
# Starts a service of one container unless it runs, and waits until it answers. Prints `started` if it was started.
#   service    name in Compose
#   container  its container
#   begin      array: command that starts it
#   answers    array: command in the container that succeeds once the service answers
#   deadline   seconds for the first answer
# Function: compose.
: "${service:?}" "${container:?}" "${deadline:?}"
declare -a begin answers

started() { docker inspect -f '{{.State.StartedAt}}' "$container" 2>/dev/null || true; }

before=$(started)
"${begin[@]}" >&2
end=$((SECONDS + deadline))
until docker exec "$container" "${answers[@]}" >/dev/null 2>&1; do
  if [ $SECONDS -ge $end ]; then
    echo "$service does not answer; the last lines of its log:" >&2
    docker logs --tail 15 "$container" >&2
    exit 1
  fi
  sleep 0.2
done
[ "$before" = "$(started)" ] || echo started
