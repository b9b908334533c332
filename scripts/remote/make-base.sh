# shellcheck shell=bash
# Makes the base of all images in Debian mode, with debian/base.sh in the build folder.
#   folder                   the build folder
#   image                    name of the base
#   mirror, security_mirror  of Debian; empty: the server's
#   fresh                    true: makes it again. It gets its name at the end, so that a failure leaves the old one.
# Function: install.
: "${folder:?}" "${image:?}" "${mirror?}" "${security_mirror?}" "${fresh:?}"

there() { docker image inspect "$1" >/dev/null 2>&1; }
equipped() { command -v mmdebstrap >/dev/null && [ -e /usr/share/keyrings/debian-archive-keyring.gpg ]; }

cd "$folder" || exit
made=$image
if [ "$fresh" = true ]; then
  made=$image-fresh
  ! there "$made" || docker rmi "$made" >/dev/null
fi
there "$made" || equipped || install mmdebstrap debian-archive-keyring
DEBIAN_MIRROR=$mirror DEBIAN_SECURITY_MIRROR=$security_mirror bash debian/base.sh aptconf "$made" || {
  echo "the mirrors: ${mirror:-those of the server} $security_mirror" >&2
  exit 1
}
if [ "$fresh" = true ]; then
  before=$(docker image inspect --format '{{.Id}}' "$image" 2>/dev/null || echo "$made")
  docker tag "$made" "$image"
  docker rmi "$made" >/dev/null
  [ "$(docker image inspect --format '{{len .RepoTags}}' "$before")" != 0 ] || docker rmi "$before" >/dev/null
fi
