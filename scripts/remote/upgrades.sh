# shellcheck shell=bash
# Prints packages of an image for which the archive has a newer version: name, version, newer version, and its suites,
# separated by tabs.
#   image  its name
: "${image:?}"

settings=$(mktemp)
trap 'rm -f "$settings"' EXIT
apt-config dump | grep -E '^Acquire::(Check-Valid-Until|Check-Date|Retries|https?::Proxy)\b' >"$settings" || true

# `apt list` prints `NAME/SUITE,SUITE NEW ARCH [upgradable from: OLD]`, also in an image with missing dependencies (postgres
# has no LLVM). In Debian mode, nginx and HAProxy come from testing, which the image does not list any more: it is asked
# again for these two.
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
