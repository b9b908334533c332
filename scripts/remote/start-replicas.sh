# shellcheck shell=bash
# Starts more replicas of a target beside those that are there, and prints their ids. One that somebody removes before it
# is started is missing in what is printed. `found` is given.
#   folder   of the deployment
#   project
#   target   its name
#   secrets  digest of the passwords
#   number   how many more
: "${folder:?}" "${project:?}" "${target:?}" "${secrets:?}" "${number:?}"

export SECRETS=$secrets COMPOSE_IGNORE_ORPHANS=true

cd "$folder/targets/$target" || exit 1
before=$(found)
read -r -d '' -a there <<<"$before" || true
make() {
  docker compose --env-file stack.env -f stack.yaml create --no-recreate --no-build --pull never \
    --scale "app=$((${#there[@]} + number))" app >&2
}
# The target's file takes the networks as they are. Where they are missing, the stack's file makes them.
if ! make; then
  if docker network inspect "${project}_frontend" "${project}_backend" >/dev/null 2>&1; then exit 1; fi
  RELEASE=none docker compose --env-file "$folder/compose/stack.env" -f "$folder/compose/stack.yaml" create --no-recreate db balancer lb >&2
  make
fi
# One after the other: the engine takes longer for two at once (measured with 20.10).
for id in $(found); do
  [[ $before != *$id* ]] || continue
  if docker start "$id" >&2; then
    echo "$id"
  elif docker inspect "$id" >/dev/null 2>&1; then
    exit 1
  fi
done
