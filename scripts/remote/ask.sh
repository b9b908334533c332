# shellcheck shell=bash
# Asks for images through the engine itself, which may have a mirror, a proxy or a login of its own. For each image it
# prints its name, a tab, and `local`, `there`, or in the engine's words why it cannot be had.
#   images    names, a blank between two
#   patience  seconds for an answer
: "${images:?}" "${patience:?}"

docker version >/dev/null # without the engine there is nobody to ask
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT

# One of these lines is printed as soon as the registry has told what the image is made of. The download that follows
# may take its time and is left to the build.
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

# Silence after a connection is another thing than none, and engines of some versions use the same words for both.
unreachable() { # IMAGE
  local registry=${1%%/*}
  case $registry in *[.:]* | localhost) ;; *) registry='registry-1.docker.io' ;; esac
  [[ $registry == *:* ]] || registry+=:443
  [ -z "$(docker info --format '{{.HTTPProxy}}{{.HTTPSProxy}}')" ] || return 1 # what the engine connects to is the proxy
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
