# shellcheck shell=bash
# Prints, with tabs between:
#   container JSON               for each container: the output of docker inspect, without the environment. That of a
#                                replica holds the owner's password, and --verbose would print it.
#   replica NAME RELEASE ANSWER  for each running replica: Redis's answer to a PING from within it, at the address that the
#                                replica has in its environment
#   project  the Compose project
: "${project:?}"

ours=(--filter "label=com.docker.compose.project=$project" --filter label=com.docker.compose.oneoff=False)

ping='import os, socket
with socket.create_connection((os.environ["REDIS_HOST"], int(os.environ["REDIS_PORT"])), 2) as redis:
    redis.sendall(b"PING\r\n")
    print(redis.recv(7).decode().strip())'

see_replica() { # NAME
  local pong release
  pong=$(docker exec "$1" python -c "$ping" 2>&1 | tail -n1) || true
  release=$(docker inspect -f '{{index .Config.Labels "org.opencontainers.image.version"}}' "$1")
  printf 'replica\t%s\t%s\t%s\n' "$1" "$release" "$pong"
}

ids=$(docker ps -aq "${ours[@]}")
# shellcheck disable=SC2086 # each id is a word
[ -z "$ids" ] || docker inspect $ids | jq -c '.[] | del(.Config.Env)' | sed 's/^/container\t/'
for replica in $(docker ps "${ours[@]}" --filter label=com.docker.compose.service=app --format '{{.Names}}'); do
  see_replica "$replica" &
done
wait
