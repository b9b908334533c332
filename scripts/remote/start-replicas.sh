# shellcheck shell=bash
# Starts more replicas of a target, and prints their ids. If somebody removes one before it starts, its id is not printed.
# Needs the function `found` of replicas.sh.
#   folder   of the deployment
#   project
#   target   its name
#   secrets  digest of the passwords
#   number   of replicas to start
: "${folder:?}" "${project:?}" "${target:?}" "${secrets:?}" "${number:?}"

export SECRETS=$secrets COMPOSE_IGNORE_ORPHANS=true

cd "$folder/targets/$target" || exit 1
before=$(found)
read -r -d '' -a there <<<"$before" || true
make() {
  docker compose --env-file stack.env -f stack.yaml create --no-recreate --no-build --pull never \
    --scale "app=$((${#there[@]} + number))" app >&2
}
# The target's file does not make networks. If they are missing, the stack's file makes them.
if ! make; then
  if docker network inspect "${project}_frontend" "${project}_backend" >/dev/null 2>&1; then exit 1; fi
  RELEASE=none docker compose --env-file "$folder/compose/stack.env" -f "$folder/compose/stack.yaml" create --no-recreate db balancer lb >&2
  make
fi
# One after the other: two at once take the engine longer (measured with 20.10).
for id in $(found); do
  [[ $before != *$id* ]] || continue
  if docker start "$id" >&2; then
    echo "$id"
  elif docker inspect "$id" >/dev/null 2>&1; then
    exit 1
  fi
done
