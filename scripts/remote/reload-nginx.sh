# Makes nginx load its configuration: `reload`, for live.sh, returns when new workers run and each earlier one has heard
# that it shall finish.
#
#   deadline     seconds; set by live.sh, like master and container
# shellcheck shell=bash disable=SC2154

# The workers are the master's children; one that a reload has told to finish says so in its title. Read from the kernel
# (proc(5)), since a bare server need not have ps.
workers() { cat "/proc/$master/task/$master/children"; }
finishes() { [[ $(tr '\0' ' ' <"/proc/$1/cmdline") == *'shutting down'* ]]; } 2>/dev/null
fresh() {
  local pid new=
  for pid in $(workers); do
    if [[ " $before " != *" $pid "* ]]; then new=yes; elif ! finishes "$pid"; then return 1; fi
  done
  [ -n "$new" ]
}

reload() {
  before=$(workers)
  # Not docker kill: the engine takes any signal of its own for a stop by hand, and the container would never again be
  # restarted by itself (measured with Engine 20.10).
  kill -HUP "$master"
  local end=$((SECONDS + deadline))
  until fresh; do
    if ((SECONDS >= end)); then
      docker logs --tail 5 "$container" >&2
      return 1
    fi
    sleep 0.02
  done
  # Before there was a balancer, nginx sent requests to replicas itself. Nobody but it counts those that are still under way.
  end=$((SECONDS + 4 * deadline))
  while [ -e "$was/upstream.conf" ] && finishing && ((SECONDS < end)); do sleep 0.1; done
}
finishing() { # whether an earlier worker is left
  local pid
  for pid in $(workers); do if finishes "$pid"; then return 0; fi; done
  return 1
}
