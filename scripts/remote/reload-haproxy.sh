# Makes HAProxy load its configuration: `reload`, for live.sh, returns when a new worker answers. What the earlier one
# knows of the replicas (addresses, health, who drains) goes on to it by a file that is there for that moment only:
# addresses of long ago may be anybody's. Places without a replica are left out of it, and the others close up: a free one
# in front of them would be given the address of one of them, which then has none and is down (HAProxy 3.2).
#
#   deadline     seconds; set by live.sh, like master and container
#   ask          function: what HAProxy answers to a command
# shellcheck shell=bash disable=SC2154

worker() { ask 'show info' 2>/dev/null | sed -n 's/^Pid: //p'; }
other() { # whether a worker answers that is not this one
  local now
  now=$(worker)
  [[ $now && $now != "$1" ]]
}

reload() {
  local before end=$((SECONDS + deadline)) status=0
  before=$(worker)
  ask 'show servers state' |
    awk '/^[0-9]+ app / { if ($5 == "-") next; $3 = ++place; $4 = "app" place } { print }' >run/state
  # Not docker kill: see reload-nginx.sh.
  kill -USR2 "$master"
  until other "$before"; do
    if ((SECONDS >= end)); then
      docker logs --tail 5 "$container" >&2
      status=1
      break
    fi
    sleep 0.05
  done
  rm -f run/state
  return "$status"
}
