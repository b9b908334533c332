# shellcheck shell=bash
# Gives base images the names that this deployment has for them, and prints the shared names that the engine does not have.
#   images  a line each: SHARED OWN
#   move    `yes`: an own name goes over to what the shared one means by now. The image before keeps a name by its id, for
#           the containers that run on it and the releases that were built from it.
: "${images:?}" "${move:?}"

ids() { docker image inspect --format '{{.Id}}' "$@" 2>/dev/null; }

read -r -d '' -a names <<<"$images" || true
if all=$(ids "${names[@]}"); then
  mapfile -t all <<<"$all"
else
  docker version >/dev/null # an engine that does not answer has no missing image
  all=()
  for name in "${names[@]}"; do all+=("$(ids "$name" || true)"); done
fi

for ((at = 0; at < ${#names[@]}; at += 2)); do
  shared=${names[at]} own=${names[at + 1]} now=${all[at]} before=${all[at + 1]}
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
done
