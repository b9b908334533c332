# shellcheck shell=bash
# Connects containers to the networks that the stack's file gives their services: those that were made for one host, once
# there are several, and the other way round. So none of them has to be made anew. Others are connected already.
#   project  of Compose
# Function: compose.
: "${project:?}"

[ "$(docker info --format '{{.Swarm.LocalNodeState}}')" = active ] || exit 0

containers() { # [FILTER…]
  docker ps -a --filter "label=com.docker.compose.project=$project" --filter label=com.docker.compose.oneoff=False "$@"
}

mapfile -t services < <(containers --format '{{.Label "com.docker.compose.service"}}' | grep -vx app | sort -u)
[ ${#services[@]} -gt 0 ] || exit 0
compose create --no-recreate --no-build "${services[@]}" >&2 # makes networks that are missing

networks=$(
  compose config --format json |
    jq -r '.networks as $all | .services | to_entries[] | .key as $service | .value.networks | keys[] | "\($service) \($all[.].name)"'
)
while read -r service network; do
  alias=$service
  if [ "$service" = app ] && [ "$(docker network inspect -f '{{.Scope}}' "$network")" = swarm ]; then
    [[ $network == *_frontend ]] || continue # they reach the database as before
    alias=tasks.app                          # by which the balancers know replicas there
  fi
  for id in $(containers --filter "label=com.docker.compose.service=$service" --format '{{.ID}}'); do
    there=$(docker inspect -f '{{range $name, $_ := .NetworkSettings.Networks}}{{println $name}}{{end}}' "$id")
    grep -qxF "$network" <<<"$there" || echo "--alias $alias $network $id"
  done
done <<<"$networks" | xargs -r -L 1 -P 8 docker network connect # Swarm takes a second for each
