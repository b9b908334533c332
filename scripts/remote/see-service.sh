# shellcheck shell=bash
# Prints the swarm as a manager sees it, each fact as a name, a tab and a value. Changes nothing.
#   service  name of the service of the replicas
: "${service:?}"

fact() { sed "s/^/$1\t/"; }

fact now <<<$((${EPOCHREALTIME/./} / 1000))
nodes=$(docker node ls --format '{{.ID}} {{.Self}}')
sed -n 's/ true$//p' <<<"$nodes" | fact self # this host
cut -d' ' -f1 <<<"$nodes" | xargs -r docker node inspect --format '{{json .}}' | fact node
docker service inspect "$service" >/dev/null 2>&1 || exit 0 # there is none yet
# Not the environment: it has the database's password.
docker service inspect --format '{{json .}}' "$service" |
  jq -c 'del(.Spec.TaskTemplate.ContainerSpec.Env, .PreviousSpec.TaskTemplate.ContainerSpec.Env)' | fact service
docker service ps -q --no-trunc "$service" | xargs -r docker inspect --type task --format '{{json .}}' 2>/dev/null |
  jq -c 'del(.Spec.ContainerSpec.Env)' | fact task || true # a task may be removed meanwhile
