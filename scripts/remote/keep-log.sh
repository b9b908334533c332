# shellcheck shell=bash
# `keep_log CONTAINER RELEASE`: a replica that is about to be removed leaves its last lines, since the engine's log goes with
# the container. Those of the last ten are kept, as FOLDER/logs/TIME.CONTAINER.log; logs.sh reads them.
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
  } >"$file.next" 2>/dev/null || true # nothing of it may keep a rollout from going on
  mv "$file.next" "$file"
  # shellcheck disable=SC2012 # names without blanks
  ls "$logs"/*.log | head -n -10 | xargs -r rm -f
}
