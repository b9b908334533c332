# shellcheck shell=bash
# Prints what the archive has that is newer than what is installed in an image: name, version, newer version and where that
# is, with tabs between.
#   image
: "${image:?}"

settings=$(mktemp)
trap 'rm -f "$settings"' EXIT
apt-config dump | grep -E '^Acquire::(Check-Valid-Until|Check-Date|Retries|https?::Proxy)\b' >"$settings" || true

# apt lists one by one, so that an image whose dependencies are cut short (postgres goes without LLVM) is looked into too:
# `NAME/SUITE,SUITE NEW ARCH [upgradable from: OLD]`. nginx and HAProxy come from testing in Debian mode; the image has
# forgotten that archive, so it is asked once more, for these alone.
docker run --rm -i --user 0 --entrypoint sh -v "$settings":/etc/apt/apt.conf.d/99server:ro "$image" <<'SCAN'
set -eu
upgrades() {
  list=$(apt list --upgradable 2>/dev/null)
  echo "$list" | sed -nE 's/^([^/]+)\/([^ ]+) ([^ ]+) [^ ]+ \[upgradable from: ([^]]+)\]$/\1\t\4\t\3\t\2/p'
}
apt-get update -qq >&2
upgrades
if [ -e /etc/apt/sources.list ] && { dpkg-query -W nginx || dpkg-query -W haproxy; } >/dev/null 2>&1; then
  sed -n '/ trixie main/s/ trixie / testing /p' /etc/apt/sources.list >/etc/apt/sources.list.d/testing.list
  apt-get update -qq >&2
  upgrades | grep -E '^(nginx|haproxy)\b' || true
fi
SCAN
