# shellcheck shell=bash
# Gives base images the names that this deployment has for them, and prints the shared names that the engine does not have.
#   images  a line each: SHARED OWN
#   move    `yes`: an own name goes over to what the shared one means by now. The image before keeps a name by its id, for
#           the containers that run on it and the releases that were built from it.
: "${images:?}" "${move:?}"

docker version >/dev/null # an engine that does not answer has no missing image
id() { docker image inspect --format '{{.Id}}' "$1" 2>/dev/null || true; }

while read -r shared own; do
  now=$(id "$shared")
  before=$(id "$own")
  if [ -n "$before" ] && [ "$move" != yes ]; then continue; fi
  if [ -z "$now" ]; then
    [ -n "$before" ] || echo "$shared"
    continue
  fi
  [ "$now" != "$before" ] || continue
  if [ -n "$before" ]; then
    before=${before#sha256:}
    docker tag "$before" "${own%:*}:${before:0:12}"
  fi
  docker tag "$shared" "$own"
done <<<"$images"
