#!/bin/bash
# Makes a Debian 13 base image from the Debian archive, without a container registry, unless the image exists.
#
#   base.sh APTCONF IMAGE    as root on the server, with a running Docker Engine; to make the image it needs mmdebstrap
#                            and debian-archive-keyring
#
# Writes the server's apt settings (proxy, retries, whether expired Release files are accepted) to APTCONF, mode 0600.
# Builds get them as the secret `aptconf`; no image contains them, since a proxy's address may contain a password.
# DEBIAN_MIRROR and DEBIAN_SECURITY_MIRROR replace the server's mirrors.
set -euo pipefail

aptconf=${1:?usage: base.sh APTCONF IMAGE}
image=${2:?usage: base.sh APTCONF IMAGE}

# LABEL: prints the address of the first archive with this label in the server's sources; nothing if there is none.
mirror_of() {
  apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "Label: $1" | sed -n '1s|/*$||p'
}
mirror=${DEBIAN_MIRROR:-$(mirror_of Debian)}
security=${DEBIAN_SECURITY_MIRROR:-$(mirror_of Debian-Security)}

(
  umask 077
  apt-config dump | grep -E '^Acquire::(Check-Valid-Until|Check-Date|Retries|https?::Proxy)\b' >"$aptconf.new" || true
)
mv "$aptconf.new" "$aptconf"

if docker image inspect "$image" >/dev/null 2>&1; then exit 0; fi

# Without a mirror, mmdebstrap uses its default one, with updates and security.
sources=()
if [[ $mirror ]]; then
  sources+=("deb $mirror trixie main" "deb $mirror trixie-updates main")
  [[ -z $security ]] || sources+=("deb $security trixie-security main")
fi

# For a mirror on https, the image trusts the server's CAs, private ones included.
https=()
if [[ "$mirror $security" == *https:* ]]; then
  bundle=/etc/ssl/certs/ca-certificates.crt
  echo "Acquire::https::CaInfo \"$bundle\";" >>"$aptconf"
  https=(--customize-hook='mkdir -p "$1/etc/ssl/certs"' --customize-hook="upload $bundle $bundle")
fi

# Copyright files stay, since licences require them. dpkg need not wait for the disk after each file: an image is complete
# or it is not there.
small=(
  force-unsafe-io
  'path-exclude=/usr/share/doc/*' 'path-include=/usr/share/doc/*/copyright'
  'path-exclude=/usr/share/man/*' 'path-exclude=/usr/share/info/*' 'path-exclude=/usr/share/locale/*'
)

# The tar file makes the import atomic: a failure leaves the old image. The keyring is named, since Ubuntu's apt trusts
# only Ubuntu's keys. Mode root, since mode unshare unmounts the cgroups of a Debian 12 server (mmdebstrap 1.3).
tar=$(mktemp --suffix=.tar)
trap 'rm -f "$tar"' EXIT
mmdebstrap --quiet --mode=root --variant=minbase --keyring=/usr/share/keyrings/debian-archive-keyring.gpg \
  --aptopt="$aptconf" --customize-hook='rm -f "$1/etc/apt/apt.conf.d/99mmdebstrap"' \
  "${https[@]}" "${small[@]/#/--dpkgopt=}" trixie "$tar" "${sources[@]}"
docker import --change 'CMD ["bash"]' --change 'ENV LANG=C.UTF-8' "$tar" "$image" >/dev/null
