#!/usr/bin/env bash
# A rollout by Compose alone, as docker-orchestrate does it: adds containers, runs hooks, stops the old ones. Runs in the
# folder of a target. Prints the seconds for which it waited for the application.
#
#   scale.sh WANTED NETWORK    number of replicas at the end; the network on which they answer
set -euo pipefail
compose() { docker compose --env-file stack.env -f stack.yaml "$@"; }
wanted=$1 network=$2 waited=0
old=$(compose ps -q app)

# get CONTAINER PAGE: prints the body of the replica's own response
get() {
  local address
  address=$(docker inspect -f "{{(index .NetworkSettings.Networks \"$network\").IPAddress}}" "$1")
  curl -s "http://$address:5000$2" || true
}

# until_says PAGE WORD CONTAINER…: waits until each answers WORD; this time counts as the application's
until_says() {
  local page=$1 word=$2 one began=$EPOCHREALTIME
  shift 2
  for one; do
    until [ "$(get "$one" "$page")" = "$word" ]; do
      if [ $SECONDS -gt 120 ]; then
        echo "$one never says $word at $page" >&2
        exit 1
      fi
      sleep 0.2
    done
  done
  waited=$(awk -v all="$waited" -v from="$began" -v to="$EPOCHREALTIME" 'BEGIN { print all + to - from }')
}

compose up -d --no-recreate --scale "app=$((wanted * 2))" app >/dev/null 2>&1
fresh=$(compose ps -q app | grep -vxF "$old")
# shellcheck disable=SC2086 # one word each
until_says /status OK $fresh
for one in $old; do get "$one" /prepare-for-deploy >/dev/null; done
# shellcheck disable=SC2086
until_says /ready-for-deploy Ready $old
# shellcheck disable=SC2086
docker stop $old >/dev/null
# shellcheck disable=SC2086
docker rm $old >/dev/null
echo "$waited"
