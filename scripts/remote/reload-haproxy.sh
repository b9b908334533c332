# Defines `reload`: HAProxy loads its configuration; returns when a new worker answers.
#
# The old worker hands its state (addresses, health, weights) to the new one in a file. The file exists only for that
# moment, since an old address may belong to anybody. Free slots are left out and the others move up: HAProxy 3.2 gives
# a replica's address to a free slot that comes first, and then takes the replica's own slot down.
#
#   deadline   seconds for the reload
#   master     pid of HAProxy's master process
#   container  name of HAProxy's container
#   ask        function: prints HAProxy's answer to a command
# shellcheck shell=bash disable=SC2154

worker() { ask 'show info' 2>/dev/null | sed -n 's/^Pid: //p'; }
other() { # PID: whether another worker answers
  local now
  now=$(worker)
  [[ $now && $now != "$1" ]]
}

reload() {
  local before end=$((SECONDS + deadline)) status=0
  before=$(worker)
  ask 'show servers state' |
    awk '/^[0-9]+ app / { if ($5 == "-") next; $3 = ++place; $4 = "app" place } { print }' >run/state
  kill -USR2 "$master" # not docker kill: see reload-nginx.sh
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
