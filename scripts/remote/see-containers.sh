# shellcheck shell=bash
# Prints, with tabs between:
#   container NAME SERVICE RUNNING POLICY PORTS
#                                for each container; POLICY: when it is restarted; PORTS: ADDRESS PORT, of each published one
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

docker ps -aq "${ours[@]}" | xargs -r docker inspect --format "$(printf '%s\t' container '{{.Name}}' \
  '{{index .Config.Labels "com.docker.compose.service"}}' '{{.State.Running}}' '{{.HostConfig.RestartPolicy.Name}}' \
  '{{range .NetworkSettings.Ports}}{{range .}}{{.HostIp}} {{.HostPort}} {{end}}{{end}}')"
for replica in $(
  docker ps "${ours[@]}" --filter label=com.docker.compose.service=app --format '{{.Names}}'
  docker ps --filter "label=com.docker.swarm.service.name=${project}_app" --format '{{.Names}}'
); do
  see_replica "$replica" &
done
wait
