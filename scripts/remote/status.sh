# shellcheck shell=bash
# All that `npm run status` tells, in one go and side by side. Prints facts, each as a name and values with tabs between:
#
#   now MILLISECONDS                                  container JSON
#   usage NAME BYTES NANOSECONDS MILLISECONDS         twice for each container: memory, processor time, when that was
#   killed NAME NUMBER                                processes of it that runs, killed for their memory
#   oom ID MILLISECONDS                               the kernel killed one of this container so long ago
#   place PLACE ADDRESS ...                           as balancer.pl has it
#   traffic REQUESTS FAILED P50 P99 SECONDS           of the load balancer's log, the last five minutes at most
#   replicas NUMBER                                   as the last deploy or redeploy wanted
#   renewal WHAT                                      what is wrong with the renewal of the certificate
#   database BYTES CONNECTIONS MOST SECONDS PID USER STATE     the last four of the longest transaction
#   redis BYTES KEYS      certificate BASE64          disk FREE SIZE      memory FREE SIZE
#   history JSON          begun JSON                  lock HOLDER         step WHAT
#   maintenance WHO SECONDS                           allow ADDRESS
#   mode IMAGES           python NAME ID              secrets DIGEST      revision TARGET COMMIT
#
#   folder     of the deployment
#   project
#   inspected  format for docker inspect
#   python     names of Python images, a blank between two
#   balancer   balancer.pl
#   traffic    traffic.pl
: "${folder:?}" "${project:?}" "${inspected:?}" "${python:?}" "${balancer:?}" "${traffic:?}"

# A server that nothing was deployed to yet.
command -v docker >/dev/null || exit 0

fact() { local IFS=$'\t'; echo "$*"; }
named() { sed "s/^/$1\t/"; } # NAME: each line is such a fact
each() { local name pid; while read -r pid name; do [ "${pid:-0}" = 0 ] || "$1" "$pid" "${name#/}"; done <<<"$running"; }

cgroup() { # PID CONTROLLER
  local path
  path=$(sed -n "s/^[0-9]*:\([^:]*,\)\?$2\(,[^:]*\)\?://p" "/proc/$1/cgroup")
  if [ -n "$path" ]; then echo "/sys/fs/cgroup/$2$path"; else echo "/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$1/cgroup")"; fi
}
usage() { # PID NAME
  local memory cpu bytes="" idle time
  memory=$(cgroup "$1" memory) cpu=$(cgroup "$1" cpuacct)
  # What the kernel only caches does not count, as docker stats has it.
  if [ -e "$memory/memory.current" ]; then
    bytes=$(<"$memory/memory.current")
    idle=$(sed -n 's/^inactive_file //p' "$memory/memory.stat")
    time=$(sed -n 's/^usage_usec \(.*\)/\1000/p' "$cpu/cpu.stat")
  else
    bytes=$(<"$memory/memory.usage_in_bytes")
    idle=$(sed -n 's/^total_inactive_file //p' "$memory/memory.stat")
    time=$(<"$cpu/cpuacct.usage")
  fi
  [ -z "$bytes" ] || fact usage "$2" $((bytes - ${idle:-0})) "$time" "$(date +%s%3N)"
} 2>/dev/null
killed() { # PID NAME
  local memory number
  memory=$(cgroup "$1" memory)
  number=$(sed -n 's/^oom_kill //p' "$memory/memory.oom_control" "$memory/memory.events")
  [ "${number:-0}" = 0 ] || fact killed "$2" "$number"
} 2>/dev/null

oom() {
  local up
  read -r up _ </proc/uptime
  dmesg | sed -n 's/^\[ *\([0-9.]*\)\] .*oom-kill:.*task_memcg=[^,]*\([0-9a-f]\{64\}\).*/\1 \2/p' |
    awk -v up="$up" '{ printf "oom\t%s\t%d\n", $2, (up - $1) * 1000 }'
}

# What hangs must not keep anybody from seeing that it does. Both ends are told: one that is killed here goes on there.
within() { timeout 6 docker exec -i "$1" timeout 5 "${@:2}"; } # CONTAINER COMMAND...
database() {
  within "$project-db-1" env PGOPTIONS=-csearch_path=pg_catalog PGCONNECT_TIMEOUT=4 psql -qAtX -F $'\t' -U postgres -d prusa <<'SQL' | named database
SELECT pg_database_size('prusa'), (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),
       current_setting('max_connections'), extract(epoch FROM now() - xact_start)::int, pid, usename, state
  FROM (SELECT 1) one LEFT JOIN LATERAL (SELECT * FROM pg_stat_activity
        WHERE xact_start IS NOT NULL AND pid <> pg_backend_pid() AND backend_type = 'client backend'
        ORDER BY xact_start LIMIT 1) longest ON true;
SQL
}
redis() {
  printf 'INFO memory\nDBSIZE\n' | within "$project-redis-1" redis-cli |
    tr -d '\r' | sed -n 's/^used_memory:/redis\t/p; s/^\([0-9][0-9]*\)$/\1/p' | paste -s
}
files() {
  cd "$folder" 2>/dev/null || return
  [ ! -e nginx/tls/certificate.pem ] || fact certificate "$(base64 -w0 nginx/tls/certificate.pem)"
  [ ! -e history.jsonl ] || tail -n 50 history.jsonl | named history
  [ ! -e history.begun ] || named begun <history.begun
  if [ -e lock.holder ] && ! flock -n lock true; then
    named lock <lock.holder
    [ ! -e lock.step ] || named step <lock.step
  fi
  if [ -e nginx/maintenance/on ]; then
    fact maintenance "$(<nginx/maintenance/on)" "$(stat -c %Y nginx/maintenance/on)"
    local file
    for file in nginx/maintenance/allow/*; do [ ! -e "$file" ] || fact allow "${file##*/}"; done
  fi
  [ ! -e images ] || named mode <images
  [ ! -e compose/stack.env ] || sed -n 's/^REPLICAS="\(.*\)"$/replicas\t\1/p' compose/stack.env
  fact secrets "$({ cat secrets/app.env 2>/dev/null || true; } | sha256sum | cut -c1-16)"
  local target
  for target in targets/*/revision; do [ ! -e "$target" ] || fact revision "$(basename "${target%/revision}")" "$(<"$target")"; done
  df -B1 --output=avail,size "$(docker info -f '{{.DockerRootDir}}')" | sed -n 's/^ *\([0-9]*\) *\([0-9]*\)$/disk\t\1\t\2/p'
}
renewal() {
  cd "$folder/letsencrypt" || return
  [ -e renew ] || return
  [ ! -e failed ] || fact renewal "it failed at $(date -r failed '+%F %R') UTC"
  if [ -d /run/systemd/system ]; then
    systemctl is-active -q "$project-certificate.timer" || fact renewal 'the systemd timer does not run'
  elif [ ! -e "/etc/cron.d/$project-certificate" ] || ! service cron status >&2; then fact renewal 'cron does not run'; fi
}
server() {
  awk '/^MemTotal/ { all = $2 } /^MemAvailable/ { print "memory\t" $2 * 1024 "\t" all * 1024 }' /proc/meminfo
  local name id
  for name in $python; do
    id=$(docker image inspect -f '{{.Id}}' "$name" 2>/dev/null) && fact python "$name" "$id"
  done
  return 0
}

parts=$(mktemp -d)
trap 'rm -rf "$parts"' EXIT
part() {
  number=$((number + 1))
  { "$@" || true; } >"$parts/$number" 2>/dev/null </dev/null &
}
number=0
containers=$(docker ps -aq --no-trunc --filter "label=com.docker.compose.project=$project" --filter label=com.docker.compose.oneoff=False)
running=
if [ -n "$containers" ]; then
  # One may be removed meanwhile.
  # shellcheck disable=SC2086
  running=$(docker inspect -f '{{.State.Pid}} {{.Name}}' $containers 2>/dev/null || true)
fi
fact now "$(date +%s%3N)"
each usage || true
log() {
  local lines=20000 created since
  created=$(date +%s -d "$(docker inspect -f '{{.Created}}' "$project-lb-1")")
  since=$(($(date +%s) - 300))
  [ "$since" -gt "$created" ] || since=$created
  docker logs --since "$since" --tail $lines "$project-lb-1" 2>/dev/null | perl -e "$traffic" $lines "$since" | named traffic
}
inspect() { xargs -r docker inspect --format "$inspected" <<<"$containers" | named container; }
place() { perl -e "$balancer" "$folder/haproxy/run" look | named place; }
for name in inspect place log database redis files renewal server oom; do part "$name"; done
part each killed
wait
cat "$parts"/*
each usage || true
