# shellcheck shell=bash
# Starts a service of one container as configured, and waits until it answers; prints `started` where it had to be.
# `compose` is given.
#   service
#   container  its name
#   answers    command in it that succeeds when the service answers
#   deadline   seconds
: "${service:?}" "${container:?}" "${deadline:?}"
declare -a answers

started() { docker inspect -f '{{.State.StartedAt}}' "$container" 2>/dev/null || true; }

before=$(started)
compose up -d --no-deps --no-build "$service" >&2
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
