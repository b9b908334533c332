# shellcheck shell=bash
# Prints an image as docker save does, without its first layers.
#   image
#   without  how many layers
: "${image:?}" "${without:?}"

if [ "$without" = 0 ]; then
  docker save "$image"
  exit
fi
# The list of the layers comes last, so the image is read twice: a copy on the disk would need space.
list=$(docker save "$image" | tar --extract --to-stdout manifest.json)
mapfile -t layers < <(sed 's/.*"Layers":\["\([^]]*\)"\].*/\1/; s/","/\n/g' <<<"$list")
docker save "$image" | tar --file - --delete "${layers[@]:0:without}"
