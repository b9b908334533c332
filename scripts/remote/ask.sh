# shellcheck shell=bash
# Asks the registry for images, by the engine, which may have a mirror, a proxy or a login. Prints for each image its name,
# a tab, and `local` (on the engine), `there` (in the registry) or the engine's error.
#   images    names, separated by blanks
#   patience  seconds for an answer
: "${images:?}" "${patience:?}"

docker version >/dev/null # fails if the engine does not answer
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT

# The engine prints one of these once the registry has sent the image's manifest. The download is left to the build.
told='Pulling fs layer|Already exists|Digest:|Status:'

answer() { # IMAGE LOG
  local code=0 words
  timeout "$patience" docker pull "$1" >"$2" 2>&1 &
  while kill -0 $! 2>/dev/null && ! grep -qE "$told" "$2"; do sleep 0.1; done
  if grep -qE "$told" "$2"; then
    kill $! 2>/dev/null || true
    wait $! || true
    words=there
  else
    wait $! || code=$?
    words=$(tail -n 1 "$2")
    [ $code != 124 ] || words="no answer within $patience s"
    if [[ $words == *[Tt]imeout* || $words == *deadline* || $code == 124 ]] && unreachable "$1"; then
      words="no connection to the registry: $words"
    fi
  fi
  printf '%s\t%s\n' "$1" "$words"
}

# Some versions of the engine print the same error for no connection and for no answer on a connection.
unreachable() { # IMAGE: whether its registry accepts no connection
  local registry=${1%%/*}
  case $registry in *[.:]* | localhost) ;; *) registry='registry-1.docker.io' ;; esac
  [[ $registry == *:* ]] || registry+=:443
  [ -z "$(docker info --format '{{.HTTPProxy}}{{.HTTPSProxy}}')" ] || return 1 # the engine connects to the proxy instead
  # shellcheck disable=SC2016 # the inner shell's own words
  ! timeout 5 bash -c '</dev/tcp/"$0"/"$1"' "${registry%:*}" "${registry##*:}" 2>/dev/null
}

number=0
for image in $images; do
  if docker image inspect "$image" >/dev/null 2>&1; then
    printf '%s\tlocal\n' "$image"
  else
    number=$((number + 1))
    answer "$image" "$logs/$number" &
  fi
done
wait
