# shellcheck shell=bash
# Removes the images of old releases, and old targets.
#   folder             of the deployment
#   image              name of the application's image, without a tag
#   releases, targets  arrays: names of those that stay
: "${folder:?}" "${image:?}"
declare -a releases targets

for release in $(docker images "$image" --format '{{.Tag}}'); do
  [[ " ${releases[*]} " == *" $release "* ]] || docker rmi "$image:$release" >/dev/null 2>&1 || true # an image in use stays
done
cd "$folder/targets" || exit
for target in *; do
  [[ " ${targets[*]} " == *" $target "* ]] || rm -rf "$target"
done
