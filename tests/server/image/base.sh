#!/bin/bash
# Makes the root file system of a bare server from the Debian archive alone: no registry is needed.
# It takes over where this machine gets its packages, and how, so that apt-get works inside as it does here.
#
#     base.sh bookworm|trixie
set -euo pipefail

suite=$1
image=prusa-test-base:$suite

archive() { apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "Label: $1" | sort -u | head -n 1; }
debian=$(archive Debian)
security=$(archive Debian-Security)
[ -n "$debian" ] || { echo "this machine's apt has no Debian archive to make $image from" >&2; exit 1; }

sources="deb $debian $suite main
deb $debian $suite-updates main
${security:+deb $security $suite-security main}"
# Mirrors that are snapshots carry expired Release files; proxies and retries matter as much.
settings=$(apt-config dump | grep -E '^Acquire::(Check-|https?::|Retries|ForceIPv)' || true)

digest=$({ cat "$0"; echo "$sources" "$settings"; } | sha256sum | cut -c 1-12)
made=$(docker image inspect --format '{{index .Config.Labels "prusa-test.digest"}}' "$image" 2>/dev/null || true)
[ "$made" != "$digest" ] || exit 0

command -v mmdebstrap >/dev/null || { apt-get update && apt-get install -y --no-install-recommends mmdebstrap; } >&2
mmdebstrap --quiet --variant=minbase --aptopt="$settings" "$suite" - - <<<"$sources" |
  docker import --change "LABEL prusa-test=$suite prusa-test.digest=$digest" - "$image"
