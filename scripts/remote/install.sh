# shellcheck shell=bash
# The functions `update` and `install PACKAGE…`. They ask nothing, finish what was interrupted, and wait for other package
# managers: a server that has just booted updates itself, and an interrupted run may still be installing.

patient() { # COMMAND…
  local output deadline=$((SECONDS + 180))
  until output=$("$@" 2>&1); do
    if [[ $output != *'get lock'* && $output != *'lock was locked'* || $SECONDS -ge $deadline ]]; then
      echo "$output" >&2
      return 1
    fi
    sleep 1
  done
}

update() {
  patient apt-get update -qq -o Acquire::Retries=3
  updated=yes
}

install() { # PACKAGE…
  export DEBIAN_FRONTEND=noninteractive
  # A package whose unpacking was cut off cannot be configured: it must be unpacked again.
  patient dpkg --configure -a 2>/dev/null || true # apt-get says what stays wrong
  [ -n "${updated:-}" ] || update
  local -a cut
  mapfile -t cut < <(dpkg-query -W -f '${db:Status-Eflag} ${binary:Package}\n' | sed -n 's/^reinstreq //p')
  patient apt-get install -y -qq --no-install-recommends -o Acquire::Retries=3 ${cut:+--reinstall} "$@" "${cut[@]}"
}
