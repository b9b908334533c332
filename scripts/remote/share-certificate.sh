# shellcheck shell=bash
# Defines `share`: hands the installed certificate and its key to the other hosts of the swarm. Swarm carries them as a secret,
# over connections of its own TLS. A job on each host writes them to nginx/mirrored; the timer of that host takes them over.
#   project
#   folder  of the deployment
#   lb      nginx's container, whose image the other hosts have, too
: "${project:?}" "${folder:?}" "${lb:?}"

share() {
  local job=${project}_certificate pair image self
  pair=$job-$(cd "$folder/nginx/tls" && cat certificate.pem key.pem | sha256sum | cut -c1-12)
  [ "$(docker service inspect -f '{{(index .Spec.TaskTemplate.ContainerSpec.Secrets 0).SecretName}}' "$job" 2>/dev/null)" != "$pair" ] || return 0
  image=$(docker inspect -f '{{.Image}}' "$lb")
  self=$(docker info -f '{{.Swarm.NodeID}}')
  docker secret inspect "$pair" >/dev/null 2>&1 ||
    tar -c --dereference -C "$folder/nginx/tls" certificate.pem key.pem | docker secret create "$pair" - >/dev/null
  docker service rm "$job" >/dev/null 2>&1 || true
  docker service create --detach --quiet --no-resolve-image --mode global-job --name "$job" \
    --constraint "node.id != $self" --secret "source=$pair,target=pair" --restart-condition on-failure --restart-delay 5s \
    --mount "type=bind,source=$folder/nginx/mirrored,target=/to" --user 0 --read-only --limit-memory 64M \
    "$image" tar -x --no-same-owner -C /to -f /run/secrets/pair >/dev/null
  docker secret ls -q --filter "name=$job-" | while read -r old; do
    [ "$old" = "$(docker secret inspect -f '{{.ID}}' "$pair")" ] || docker secret rm "$old" >/dev/null 2>&1 || true
  done
}
