# Installs a configuration: the service checks it, a rename makes it `live`, a graceful reload loads it. Prints `started`,
# `reloaded`, or nothing when it is in use already. Runs in the folder that holds the configurations.
#
#   name       of the candidate's folder
#   service    name in Compose
#   container  its container
#   check      array: the command with which the service checks the candidate
# Functions: write_candidate, reload, compose.
# shellcheck shell=bash disable=SC2154,SC2034

master=$(docker inspect -f '{{.State.Pid}}' "$container" 2>/dev/null) || master=0
running() { [ "$master" != 0 ]; }
if running && [ "$(readlink live)" = "$name" ] && [ -e loaded ] && [ "$(<loaded)" = "$name" ]; then exit 0; fi

mkdir -p "$name"
write_candidate >/dev/null
if running; then docker exec "$container" "${check[@]}" >&2; else compose run --rm --no-deps -T "$service" "${check[@]}" >&2; fi
was=$(readlink live || true) # for reload
ln -sfn "$name" live.next
mv -T live.next live
if running; then reload >&2; else compose up -d --no-deps "$service" >&2; fi
echo "$name" >loaded
for old in config-*; do [ "$old" = "$name" ] || rm -rf "$old"; done
if running; then echo reloaded; else echo started; fi
