# shellcheck shell=bash
# Builds the image of a release from the copied source, which is removed afterwards. Exit code 90: the copy differs.
# Prints why an image of the application's own Dockerfile cannot have our first process.
#   context    folder with Dockerfile, the application, and process1/
#   copied     folder in it with the application
#   sum        SHA-256 of the output of sha256sum -z for its files
#   needed     names in it that pip reads, one a line; `.`: all; empty: the application has its own Dockerfile
#   image      name of the image
#   project    of Compose
#   python     name of the Python image
#   release, revision   for the labels of the image
: "${context:?}" "${copied:?}" "${sum:?}" "${image:?}" "${project:?}" "${python:?}" "${release:?}" "${revision:?}"

made=$image from=$context
if [ -z "${needed-}" ]; then made=$image.bare from=$copied; fi # its own Dockerfile
trap 'rm -rf "$context"; [ "$made" = "$image" ] || docker rmi "$made" >/dev/null 2>&1 || true' EXIT

# A step that fails for want of disk space says so in its own words, or not at all.
name_full_disk() {
  local disk free
  disk=$(docker info --format '{{.DockerRootDir}}')
  free=$(df -k --output=avail "$disk" | tail -n 1)
  [ "$free" -gt 10240 ] || echo "No space left on device: $disk has $free kB" >&2
}

# A file may have changed, or the disk may be full, since the release got its name from the source.
list=$(cd "$copied" && find . -type f -print0 | LC_ALL=C sort -z | xargs -0r sha256sum -z | sha256sum)
[ "${list%% *}" = "$sum" ] || exit 90

if [ -n "${needed-}" ]; then
  mapfile -t needed <<<"$needed"
  mkdir "$context/requirements"
  (cd "$copied" && cp -a --parents -t "$context/requirements" -- "${needed[@]}")
fi

secrets=()
secret() { [ ! -e "$2" ] || secrets+=(--secret "id=$1,src=$2"); } # ID FILE: the server's settings for PyPI
secret ca /etc/ssl/certs/ca-certificates.crt
secret pipconf /etc/pip.conf

# The engine takes a file with the same size and time as in an earlier context for unchanged. It knows contexts by the last
# part of their path only. That is the release's name, so two contexts with it have the same source.
DOCKER_BUILDKIT=1 docker build --progress plain "${secrets[@]}" --file "$context/Dockerfile" --tag "$made" \
  --build-arg PYTHON_IMAGE="$python" --build-arg RELEASE="$release" --build-arg REVISION="$revision" \
  --build-arg CREATED="$(date -u +%Y-%m-%dT%H:%M:%SZ)" --label "prusa.project=$project" \
  --label "prusa.python=$(docker image inspect --format '{{.Id}}' "$python")" "$from" || {
  code=$?
  name_full_disk
  exit "$code"
}

# Prints the Dockerfile that puts our first process in front of the program of an image.
front() {
  docker image inspect "$made" | jq -er '.[0].Config | ((.Entrypoint // []) + (.Cmd // []) | length > 0) as $starts | if $starts then
    "FROM '"$made"'\nCOPY process1 /opt/process1",
    "ENTRYPOINT \(["python", "-I", "-S", "/opt/process1"] + (.Entrypoint // []) | tojson)", "CMD \(.Cmd // [] | tojson)"
    else empty end'
}

if [ "$made" != "$image" ]; then
  if ! said=$(docker run --rm --network none --entrypoint python "$made" -I -S -c 'import os; os.posix_spawnp' 2>&1); then
    echo "it has no Python 3.8 or later as python (${said##*$'\n'})"
  elif ! dockerfile=$(front); then
    echo 'it has neither ENTRYPOINT nor CMD'
  else
    DOCKER_BUILDKIT=1 docker build --progress plain --file - --tag "$image" "$context" <<<"$dockerfile"
    exit
  fi
  docker tag "$made" "$image"
fi
