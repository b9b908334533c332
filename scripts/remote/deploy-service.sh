# shellcheck shell=bash
# Gives the service of the replicas a target, on a manager. Swarm replaces the replicas by itself.
#   folder   of the deployment
#   project
#   target   its name
#   secrets  digest of the passwords
#   image    of the release
#   own      JSON: what compose/swarm.yaml says
: "${folder:?}" "${project:?}" "${target:?}" "${secrets:?}" "${image:?}" "${own:?}"

export SECRETS=$secrets
cd "$folder/targets/$target" || exit
# By its id: a name would be pulled from a registry, where it may be anybody's.
id=$(docker image inspect --format '{{.Id}}' "$image")
# Compose fills in the variables. What its options for one server are called differs in a stack of Swarm.
docker compose --env-file stack.env -f stack.yaml config --format json |
  jq --argjson own "$own" --arg image "$id" '
    .services.app as $app |
    {
      version: "3.9",
      services: { app: (
        ($app | { environment, labels, logging, cap_drop, read_only, init, tmpfs, stop_grace_period }) * $own.services.app
        | .image = $image
        | .deploy.resources.limits = { memory: ($app.mem_limit | tostring), pids: $app.pids_limit }
      ) },
      networks: $own.networks
    }' | docker stack deploy --resolve-image never --compose-file - "$project" >&2
