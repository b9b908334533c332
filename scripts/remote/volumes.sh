# shellcheck shell=bash
# Checks whether images can use the data in the volumes of PostgreSQL and Redis. Changes nothing: volumes are mounted
# read-only. Prints facts: name, tab, value; none about an image that runs already.
#   project          of Compose
#   postgres, redis  images
#   patience         seconds in which Redis must have read its data
: "${project:?}" "${postgres:?}" "${redis:?}" "${patience:?}"

fact() { printf '%s\t%s\n' "$1" "$2"; }
id() { docker "$1" inspect -f "$2" "$3" 2>/dev/null || true; } # KIND FORMAT NAME
runs() { [ "$(id container '{{.Image}}' "$project-$1-1")" = "$(id image '{{.Id}}' "$2")" ]; } # SERVICE IMAGE
kept() { docker volume inspect "${project}_$1" >/dev/null 2>&1; }

look() { # [DOCKER RUN OPTION…]: as root, who can read every user's volume
  docker run --rm -i --network none --user 0 --cap-drop ALL --cap-add DAC_OVERRIDE --read-only "$@" \
    --entrypoint sh "$postgres" -s <<'SH'
fact() { printf '%s\t%s\n' "$1" "$2"; }
fact version "$(postgres --version)"
fact user "$(id -u postgres)"
[ -s /volume/PG_VERSION ] || exit 0
fact held "$(cat /volume/PG_VERSION)"
fact owner "$(stat -c %u /volume)"
# The locale of the cluster. Without it, the server does not start, or refuses every login.
locale=$(sed -n "s/^lc_messages *= *'\([^']*\)'.*/\1/p" /volume/postgresql.conf | tail -n 1)
if [ -n "$locale" ] && command -v locale >/dev/null; then
  same() { tr 'A-Z' 'a-z' | tr -d -; }
  locale -a | same | grep -qxF "$(echo "$locale" | same)" || fact unknown "$locale"
fi
SH
}

if ! runs db "$postgres"; then
  fact volumes "$(id image '{{range $path, $_ := .Config.Volumes}}{{$path}} {{end}}' "$postgres")"
  if kept db; then look --volume "${project}_db:/volume:ro"; else look; fi
fi

# Only Redis knows: an older one cannot read what a newer one has written, nor data of modules that it lacks.
trial=$project-redis-trial-$$
forget() { docker rm -f "$trial" >/dev/null 2>&1 || true; }
try() {
  local deadline=$((SECONDS + patience))
  trap forget EXIT
  docker run -d --name "$trial" --label "com.docker.compose.project=$project" --label com.docker.compose.oneoff=True \
    --network none --user redis --cap-drop ALL --read-only --memory 512m \
    --volume "${project}_redis:/data:ro" "$redis" redis-server --save '' >/dev/null
  until [ "$(docker exec "$trial" redis-cli ping 2>/dev/null)" = PONG ]; do
    if [ "$(id container '{{.State.Running}}' "$trial")" != true ] || [ $SECONDS -ge $deadline ]; then
      fact redis "$(docker logs "$trial" 2>&1 | sed -n 's/^.* # //p' | tail -n 2 | tr '\n' ' ')"
      return
    fi
    sleep 0.1
  done
  docker exec "$trial" sh -c '[ -O /data ]' || fact redis 'it belongs to another user than the one of this image.'
}
if ! runs redis "$redis" && kept redis; then try; fi
