# shellcheck shell=bash
# Counts the processes that the kernel killed for lack of memory since their container started. The engine reports a
# killed container only when its first process dies; nginx goes on when a worker dies. Prints for each container with
# killed processes, separated by tabs: killed, its name, their number.
#   project  of Compose
: "${project:?}"

events() { # PID: prints the number, from cgroups of version 1 or 2 (proc(5), cgroups(7))
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
