# shellcheck shell=bash
# Follows the load balancer's log from some seconds ago until the standard input ends, and prints what traffic.pl makes of it.
#   container  of the load balancer
#   since      seconds ago
#   lines      of the log at most that are read of the time before now
#   traffic    the text of traffic.pl
: "${container:?}" "${since:?}" "${lines:?}" "${traffic:?}"

follow() {
  local from
  from=$(date +%FT%TZ -d "@$(($(date +%s) - since))")
  while :; do
    docker logs --follow --since "$from" --tail "$lines" "$container" || true
    # It was stopped, or is not there yet.
    from=$(date +%FT%T.%NZ)
    sleep 1
  done
}
trap 'trap "" TERM; kill 0' EXIT # what was started here ends with this script
follow 2>/dev/null </dev/null | perl -e "$traffic" seconds &
cat >/dev/null
