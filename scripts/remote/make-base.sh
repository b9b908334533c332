# shellcheck shell=bash
# Makes the image that all images of Debian mode begin with, by debian/base.sh in the folder of builds. `install` is given.
#   folder                   of builds
#   image                    its name
#   mirror, security_mirror  of Debian; empty: the server's own
#   fresh                    whether it is made anew. It gets its name when it is there: a failure leaves the one before.
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
