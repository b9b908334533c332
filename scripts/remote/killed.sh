# shellcheck shell=bash
# Processes that the kernel killed for a container's memory since it was started. The engine tells of the first one only: an
# nginx whose workers die goes on. Prints for each container with any: killed, its name, how many; with tabs between.
#   project
: "${project:?}"

events() { # PID: how many, by cgroups of version 1 or 2 (proc(5), cgroups(7))
  local path
  path=$(sed -n 's/^[0-9]*:memory://p' "/proc/$1/cgroup")
  if [ -n "$path" ]; then
    sed -n 's/^oom_kill //p' "/sys/fs/cgroup/memory$path/memory.oom_control"
  else
    sed -n 's/^oom_kill //p' "/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$1/cgroup")/memory.events"
  fi
}

for id in $(docker ps -q --filter "label=com.docker.compose.project=$project"); do
  read -r pid name < <(docker inspect -f '{{.State.Pid}} {{.Name}}' "$id" 2>/dev/null) || continue
  number=$(events "$pid" 2>/dev/null) || continue
  [ "${number:-0}" = 0 ] || printf 'killed\t%s\t%s\n' "${name#/}" "$number"
done
