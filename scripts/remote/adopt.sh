# shellcheck shell=bash
# Tags base images with this deployment's own names. Prints the shared names that the engine does not have.
#   images  a line each: SHARED OWN
#   move    yes: an own name that exists is moved to the current image of the shared name. The previous image gets a name
#           with its id, for the containers that run on it and the releases that were built from it.
: "${images:?}" "${move:?}"

ids() { docker image inspect --format '{{.Id}}' "$@" 2>/dev/null; }

read -r -d '' -a names <<<"$images" || true
if all=$(ids "${names[@]}"); then
  mapfile -t all <<<"$all"
else
  docker version >/dev/null # fails if the engine does not answer: then no image is known to be missing
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
