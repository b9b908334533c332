# shellcheck shell=bash
# Removes the images of old releases, and the targets that no way back leads to.
#   folder             of the deployment
#   image              of the application, without a tag
#   releases, targets  that stay
: "${folder:?}" "${image:?}"
declare -a releases targets

for release in $(docker images "$image" --format '{{.Tag}}'); do
  [[ " ${releases[*]} " == *" $release "* ]] || docker rmi "$image:$release" >/dev/null 2>&1 || true # one in use stays
done
cd "$folder/targets" || exit
for target in *; do
  [[ " ${targets[*]} " == *" $target "* ]] || rm -rf "$target"
done
