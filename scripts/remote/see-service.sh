# shellcheck shell=bash
# Prints the swarm as a manager sees it, each fact as a name, a tab and a value. Changes nothing. It asks the engine by its
# socket, since a rollout looks several times a second: the docker command takes ten times as long.
#   service  name of the service of the replicas
: "${service:?}"

printf 'now\t%s\n' $((${EPOCHREALTIME/./} / 1000))
engine=http://localhost
# It ends with the first error: without a quorum, each question takes 20 s. There may be no service yet.
{
  curl -sS --fail-early --fail-with-body --max-time 30 --noproxy '*' --unix-socket /var/run/docker.sock \
    "$engine/info" "$engine/nodes" "$engine/tasks?filters=%7B%22service%22%3A%5B%22$service%22%5D%7D" "$engine/services/$service" || true
} |
  # Not the environment: it has the database's password.
  jq -nr 'def fact(name): "\(name)\t\(tojson)";
    [inputs] as [$info, $nodes, $tasks, $service] |
    if ($nodes | type) != "array" then "\($nodes.message // "no answer")\n" | halt_error(1) else
      "self\t\($info.Swarm.NodeID)", ($nodes[] | fact("node")),
      if $service.Spec then
        ($service | del(.Spec.TaskTemplate.ContainerSpec.Env, .PreviousSpec.TaskTemplate.ContainerSpec.Env) | fact("service")),
        ($tasks[] | del(.Spec.ContainerSpec.Env) | fact("task"))
      else empty end
    end'
