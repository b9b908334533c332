# Defines `reload`: nginx loads its configuration; returns when new workers run and every old worker shuts down.
#
#   deadline   seconds for the reload
#   master     pid of nginx's master process
#   container  name of nginx's container
#   was        folder of the previous configuration
# shellcheck shell=bash disable=SC2154

# The workers are the master's children, and one that shuts down says so in its title. Read from /proc (proc(5)), since a
# bare server may have no ps.
workers() { cat "/proc/$master/task/$master/children"; }
finishes() { [[ $(tr '\0' ' ' <"/proc/$1/cmdline") == *'shutting down'* ]]; } 2>/dev/null
fresh() {
  local pid new=
  for pid in $(workers); do
    if [[ " $before " != *" $pid "* ]]; then new=yes; elif ! finishes "$pid"; then return 1; fi
  done
  [ -n "$new" ]
}
finishing() { # whether an old worker is left
  local pid
  for pid in $(workers); do if finishes "$pid"; then return 0; fi; done
  return 1
}

reload() {
  # Before nginx has started (compose/nginx.sh), there is nothing to reload: it will read what is there then.
  [ "$(<"/proc/$master/comm")" = nginx ] || return 0
  before=$(workers)
  # Not docker kill: the engine takes any signal of its own for a stop by hand, and would never restart the container by
  # itself again (measured with Engine 20.10).
  kill -HUP "$master"
  local end=$((SECONDS + deadline))
  until fresh; do
    if ((SECONDS >= end)); then
      docker logs --tail 5 "$container" >&2
      return 1
    fi
    sleep 0.02
  done
  # A configuration from before HAProxy sent requests to the replicas itself. Only nginx counts those under way.
  end=$((SECONDS + 4 * deadline))
  while [ -e "$was/upstream.conf" ] && finishing && ((SECONDS < end)); do sleep 0.1; done
}
