# shellcheck shell=bash
# `keep_log CONTAINER RELEASE` keeps the last lines of a replica that will be removed: the engine's log goes with the
# container. It keeps those of the last ten replicas, in FOLDER/logs/TIME.CONTAINER.log. logs.sh reads them.
#   folder  of the deployment
: "${folder:?}"

keep_log() {
  local file logs=$folder/logs
  install -d -m 700 "$logs"
  file=$logs/$(date +%s%N).$1.log
  {
    docker logs --timestamps --tail 2000 "$1" 2>&1 | grep -vE '(GET|POST) /(status|prepare-for-deploy|ready-for-deploy)[ ?].* id=-$' | tail -n 500
    docker inspect -f "{{.State.FinishedAt}} {{\"\x01\"}}stopped, exit code {{.State.ExitCode}}" "$1"
    printf '%s \001removed: a replica of release %s\n' "$(date +%FT%T.%NZ)" "$2"
  } >"$file.next" 2>/dev/null || true # an error here must not stop a rollout
  mv "$file.next" "$file"
  # shellcheck disable=SC2012 # names without blanks
  ls "$logs"/*.log | head -n -10 | xargs -r rm -f
}
