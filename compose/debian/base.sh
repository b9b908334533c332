#!/bin/bash
# Makes a Debian 13 base image from the Debian archive alone, unless it is there: no container registry is asked.
#
#   base.sh APTCONF IMAGE    run as root on the server; needs a running Docker Engine, and mmdebstrap with
#                            debian-archive-keyring when the image has to be made
#
# APTCONF (0600) receives the server's apt settings (proxy, retries, whether expired Release files are accepted).
# They are for the builds, as the secret `aptconf`, and stay out of every image: a proxy's address may hold a password.
# DEBIAN_MIRROR and DEBIAN_SECURITY_MIRROR choose other mirrors than the server's own.
set -euo pipefail

aptconf=${1:?usage: base.sh APTCONF IMAGE}
image=${2:?usage: base.sh APTCONF IMAGE}

# The address of the first archive with this label among the server's sources; empty on a server that is not Debian.
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

# Without a mirror mmdebstrap takes its default, with updates and security.
sources=()
if [[ $mirror ]]; then
  sources+=("deb $mirror trixie main" "deb $mirror trixie-updates main")
  [[ -z $security ]] || sources+=("deb $security trixie-security main")
fi

# A mirror on https is believed by whom the server believes, its own CA included.
https=()
if [[ "$mirror $security" == *https:* ]]; then
  bundle=/etc/ssl/certs/ca-certificates.crt
  echo "Acquire::https::CaInfo \"$bundle\";" >>"$aptconf"
  https=(--customize-hook='mkdir -p "$1/etc/ssl/certs"' --customize-hook="upload $bundle $bundle")
fi

# Copyright files stay: the licences ask for it.
small=(
  'path-exclude=/usr/share/doc/*' 'path-include=/usr/share/doc/*/copyright'
  'path-exclude=/usr/share/man/*' 'path-exclude=/usr/share/info/*' 'path-exclude=/usr/share/locale/*'
)

# By way of a file, so that a failure leaves the image of before.
# The keyring is named because Ubuntu's apt trusts Ubuntu's keys only. Mode root, since the mode unshare unmounts the
# cgroups of a Debian 12 server under the engine's hands (mmdebstrap 1.3).
tar=$(mktemp --suffix=.tar)
trap 'rm -f "$tar"' EXIT
mmdebstrap --quiet --mode=root --variant=minbase --keyring=/usr/share/keyrings/debian-archive-keyring.gpg \
  --aptopt="$aptconf" --customize-hook='rm -f "$1/etc/apt/apt.conf.d/99mmdebstrap"' \
  "${https[@]}" "${small[@]/#/--dpkgopt=}" trixie "$tar" "${sources[@]}"
docker import --change 'CMD ["bash"]' --change 'ENV LANG=C.UTF-8' "$tar" "$image" >/dev/null
