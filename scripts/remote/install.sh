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
  patient dpkg --configure -a
  [ -n "${updated:-}" ] || update
  patient apt-get install -y -qq --no-install-recommends -o Acquire::Retries=3 "$@"
}
