# Puts a configuration in force: the service itself judges it, then one rename and a graceful reload. Prints what
# was done: `started`, `reloaded`, or nothing. Runs in the folder with the candidates, of which `live` names one.
#
#   name, service, container     of the candidate's folder; of the service in Compose, and of its container
#   check                        the command by which the service judges the candidate, an array
#   written, reload, compose     functions: writes the candidate, makes the service load `live`, Docker Compose
# shellcheck shell=bash disable=SC2154,SC2034

master=$(docker inspect -f '{{.State.Pid}}' "$container" 2>/dev/null) || master=0
running() { [ "$master" != 0 ]; }
if running && [ "$(readlink live)" = "$name" ] && [ -e loaded ] && [ "$(<loaded)" = "$name" ]; then exit 0; fi

mkdir -p "$name"
written
if running; then docker exec "$container" "${check[@]}" >&2; else compose run --rm --no-deps -T "$service" "${check[@]}" >&2; fi
was=$(readlink live || true) # for reload
ln -sfn "$name" live.next
mv -T live.next live
if running; then reload >&2; else compose up -d --no-deps "$service" >&2; fi
echo "$name" >loaded
for old in config-*; do [ "$old" = "$name" ] || rm -rf "$old"; done
if running; then echo reloaded; else echo started; fi
