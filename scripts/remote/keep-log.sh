# shellcheck shell=bash
# `keep_log CONTAINER RELEASE` keeps the last lines of a replica that will be removed: the engine's log goes with the
# container. It keeps those of the last ten replicas, in FOLDER/logs/TIME.CONTAINER.log. logs.sh reads them.
#   folder  of the deployment
: "${folder:?}"

keep_log() {
  local file all logs=$folder/logs
  [ -d "$logs" ] || install -d -m 700 "$logs"
  file=$logs/${EPOCHREALTIME/./}000.$1.log # nanoseconds
  {
    docker logs --timestamps --tail 2000 "$1" 2>&1 | grep -vE '(GET|POST) /(status|prepare-for-deploy|ready-for-deploy)[ ?].* id=-$' | tail -n 500
    docker inspect -f "{{.State.FinishedAt}} {{\"\x01\"}}stopped, exit code {{.State.ExitCode}}" "$1"
    TZ=UTC printf '%(%FT%T)T.%sZ \001removed: a replica of release %s\n' -1 "${EPOCHREALTIME#*.}" "$2"
  } >"$file.next" 2>/dev/null || true # an error here must not stop a rollout
  mv "$file.next" "$file"
  all=("$logs"/*.log)
  [ ${#all[@]} -le 10 ] || rm -f "${all[@]:0:${#all[@]}-10}"
}
