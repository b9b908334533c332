# shellcheck shell=bash
# Collects the facts of `npm run status`, side by side. Prints each as a name and its values, with tabs between:
#
#   now MILLISECONDS                                  container JSON
#   usage ..., killed ...                             the output of usage.pl; usage twice for each running container
#   oom ID MILLISECONDS                               the kernel killed a process of the container so long ago
#   place PLACE ADDRESS ...                           the output of balancer.pl
#   traffic REQUESTS FAILED P50 P99 SECONDS STILL     the output of traffic.pl, for the last five minutes at most
#   replicas NUMBER                                   how many the last deploy or redeploy was to start
#   certificate BASE64, renewal WHAT                  the output of certificate
#   database BYTES CONNECTIONS MOST SECONDS PID USER STATE     the last four describe the longest transaction
#   answers yes           the load balancer does
#   redis BYTES KEYS      memory FREE SIZE
#   disk ..., inodes ..., takes ...                   the output of space.sh
#   history JSON          begun JSON                  lock HOLDER         step WHAT
#   maintenance WHO SECONDS                           allow ADDRESS
#   backup JSON, the last results                     schedule SECONDS: when the daily backup was set up
#   mode IMAGES           python NAME ID              secrets DIGEST      revision TARGET COMMIT
#
#   folder     of the deployment
#   project    the Compose project
#   service    Swarm's service of the replicas; on one host there is none
#   inspected  a format for docker inspect
#   python     the names of the Python images, separated by blanks
#   balancer   the text of balancer.pl
#   traffic    the text of traffic.pl
#   usage      the text of usage.pl
# Functions: space; held; certificate; asks, which succeeds while the load balancer answers.
: "${folder:?}" "${project:?}" "${service:?}" "${inspected:?}" "${python:?}" "${balancer:?}" "${traffic:?}" "${usage:?}"

# Before the first deployment there is no Docker Engine.
command -v docker >/dev/null || exit 0

fact() { local IFS=$'\t'; echo "$*"; }
named() { sed "s/^/$1\t/"; } # NAME: prints each line of its input as a fact of this name

oom() {
  local up
  read -r up _ </proc/uptime
  dmesg | sed -n 's/^\[ *\([0-9.]*\)\] .*oom-kill:.*task_memcg=[^,]*\([0-9a-f]\{64\}\).*/\1 \2/p' |
    awk -v up="$up" '{ printf "oom\t%s\t%d\n", $2, (up - $1) * 1000 }'
}

# A service that hangs must not make status hang. There are two deadlines, since a command that is killed here goes on in the
# container.
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
answers() { ! asks || fact answers yes; }
files() {
  cd "$folder" 2>/dev/null || return
  [ ! -e history.jsonl ] || tail -n 50 history.jsonl | named history
  [ ! -e history.begun ] || named begun <history.begun
  if held; then
    named lock <lock.holder
    [ ! -e lock.steps ] || tail -n 1 lock.steps | cut -d ' ' -f 2- | named step
  fi
  if [ -e nginx/maintenance/on ]; then
    fact maintenance "$(<nginx/maintenance/on)" "$(stat -c %Y nginx/maintenance/on)"
    local file
    for file in nginx/maintenance/allow/*; do [ ! -e "$file" ] || fact allow "${file##*/}"; done
  fi
  [ ! -e images ] || named mode <images
  [ ! -e backup/results.jsonl ] || tail -n 20 backup/results.jsonl | named backup
  [ ! -e backup/run ] || fact schedule "$(stat -c %Y backup/run)"
  [ ! -e compose/stack.env ] || sed -n 's/^REPLICAS="\(.*\)"$/replicas\t\1/p' compose/stack.env
  fact secrets "$({ cat secrets/app.env 2>/dev/null || true; } | sha256sum | cut -c1-16)"
  local target
  for target in targets/*/revision; do [ ! -e "$target" ] || fact revision "$(basename "${target%/revision}")" "$(<"$target")"; done
}
server() {
  awk '/^MemTotal/ { all = $2 } /^MemAvailable/ { print "memory\t" $2 * 1024 "\t" all * 1024 }' /proc/meminfo
  local id tags name
  # shellcheck disable=SC2086
  docker image inspect --format '{{.Id}}{{range .RepoTags}} {{.}}{{end}}' $python |
    while read -r id tags; do
      for name in $python; do [[ " $tags " != *" $name "* && " $tags " != *" $name:latest "* ]] || fact python "$name" "$id"; done
    done
}
traffic() {
  local lines=20000 since
  since=$(($(date +%s) - 300))
  [ "$since" -gt "$created" ] || since=$created
  docker logs --since "$since" --tail $lines "$project-lb-1" | perl -e "$traffic" sum $lines "$since" | named traffic
}
places() { perl -e "$balancer" "$folder/haproxy/run" look | named place; }
disk() { space "$log"; }
use() { perl -e "$usage" "${processes[@]}"; }

fact now "$(date +%s%3N)"
ids=$(
  docker ps -aq --no-trunc --filter "label=com.docker.compose.project=$project" --filter label=com.docker.compose.oneoff=False
  docker ps -aq --no-trunc --filter "label=com.docker.swarm.service.name=$service"
)
processes=() created=0 log=/var/lib/docker
while read -r pid at path name json; do
  [ -n "$json" ] || continue
  fact container "$json"
  name=${name#/}
  [ "$pid" = 0 ] || processes+=("$pid" "$name")
  [ "$name" != "$project-lb-1" ] || created=$(date +%s -d "$at")
  [ "$path" = - ] || log=$path
# A container may be removed meanwhile.
done < <(xargs -r docker inspect --format "{{.State.Pid}} {{.Created}} {{or .LogPath \"-\"}} {{.Name}} $inspected" <<<"$ids" 2>/dev/null)
use | grep ^usage || true

# In memory, since the disk may be full.
parts=$(mktemp -d -p /dev/shm 2>/dev/null || mktemp -d)
trap 'rm -rf "$parts"' EXIT
for part in answers traffic places database redis files certificate server disk oom; do
  { "$part" || true; } >"$parts/$part" 2>/dev/null </dev/null &
done
wait
cat "$parts"/*
use
