# shellcheck shell=bash
# Builds a release from what was copied, which goes away afterwards.
#   context    folder that is the build context; $context.Dockerfile lies beside it
#   copied     folder with the application in it
#   sum        SHA-256 of the list of its files with their SHA-256
#   needed     names in it that pip reads, one a line; `.` for all; empty where the application has its own Dockerfile
#   image, project, python, release, revision
: "${context:?}" "${copied:?}" "${sum:?}" "${image:?}" "${project:?}" "${python:?}" "${release:?}" "${revision:?}"

trap 'rm -rf "$context" "$context.Dockerfile" "$context.Dockerfile.dockerignore"' EXIT

# A file may have been saved, or the disk may have become full, since the release was named after its source.
list=$(cd "$copied" && find . -type f -print0 | LC_ALL=C sort -z | xargs -0r sha256sum -z | sha256sum)
[ "${list%% *}" = "$sum" ] || exit 90

if [ -n "${needed-}" ]; then
  mapfile -t needed <<<"$needed"
  mkdir "$context/requirements"
  (cd "$copied" && cp -a --parents -t "$context/requirements" -- "${needed[@]}")
fi

secrets=()
secret() { [ ! -e "$2" ] || secrets+=(--secret "id=$1,src=$2"); } # the server's own settings for reaching PyPI
secret ca /etc/ssl/certs/ca-certificates.crt
secret pipconf /etc/pip.conf

# The engine takes a file for unchanged that has the size and time of one in a context before, and tells contexts apart by
# the last part of their path alone: it is the release's name, so both are the same source.
DOCKER_BUILDKIT=1 docker build --progress plain "${secrets[@]}" --file "$context.Dockerfile" --tag "$image" \
  --build-arg PYTHON_IMAGE="$python" --build-arg RELEASE="$release" --build-arg REVISION="$revision" \
  --build-arg CREATED="$(date -u +%Y-%m-%dT%H:%M:%SZ)" --label "prusa.project=$project" \
  --label "prusa.python=$(docker image inspect --format '{{.Id}}' "$python")" "$context"
