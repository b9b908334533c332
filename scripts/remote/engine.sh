# shellcheck shell=bash
# Installs Docker Engine, Compose and buildx where they are missing or too old. Starts the engine, now and at each boot.
# Prints a line for each change. It needs the functions `update` and `install`.
#   engine, compose, buildx  the oldest versions that are new enough
#   deadline                 seconds until a started engine must answer
#   silent                   exit code when it does not
: "${engine:?}" "${compose:?}" "${buildx:?}" "${deadline:?}" "${silent:?}"
# shellcheck source=/dev/null
. /etc/os-release

atleast() { [ "$(printf '%s\n' "$1" "$2" | sort -V | sed -n 1p)" = "$1" ]; } # MINIMUM VERSION
known() { [[ $(apt-cache policy "$1" 2>/dev/null) == *'Candidate: '[0-9]* ]]; }
answers() { docker version >/dev/null 2>&1; }
is() { [ "$(cat "/proc/$(cat "$1" 2>/dev/null)/comm" 2>/dev/null)" = "$2" ]; } # PIDFILE NAME

# Debian 12 has neither Compose v2 nor buildx, but runs those of Debian 13. The pin takes only these two packages from there;
# without it, an upgrade would replace the whole system. On Debian 12 the docker command is in docker.io, which excludes
# docker-cli of Debian 13: the pin forbids docker-cli.
pin_compose_and_buildx() {
  local mirror
  # shellcheck disable=SC2016 # apt's own word
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' | sed -n 1p)
  echo "deb $mirror trixie main" >/etc/apt/sources.list.d/debian-13-for-docker.list
  cat >/etc/apt/preferences.d/debian-13-for-docker <<'PIN'
Package: *
Pin: release n=trixie
Pin-Priority: 100

Package: docker-compose docker-buildx
Pin: release n=trixie
Pin-Priority: 990

Package: docker-cli
Pin: release n=trixie
Pin-Priority: -1
PIN
}

# The names of the packages: first Docker's own, for a server with Docker's archive, then Ubuntu's and Debian's.
install_docker() { # docker.io | docker-cli | compose | buildx …
  local want name names packages=()
  if [ "$ID" = debian ] && [ "$VERSION_ID" = 12 ]; then pin_compose_and_buildx; fi
  update
  for want; do
    case $want in
      compose) names='docker-compose-plugin docker-compose-v2 docker-compose' ;;
      buildx) names='docker-buildx-plugin docker-buildx' ;;
      *) names=$want ;;
    esac
    for name in $names none; do
      if known "$name"; then
        packages+=("$name")
        break
      fi
    done
    # Debian 12 has no docker-cli: the command is in docker.io.
    if [ "$name" = none ] && [ "$want" != docker-cli ]; then
      echo "the archives of this system have none of: $names (see apt-cache policy)" >&2
      exit 1
    fi
  done
  install "${packages[@]}"
  echo "installed ${packages[*]}"
}

start() {
  if [ -d /run/systemd/system ]; then
    # After several failures systemd refuses to start it, even when the cause has been corrected.
    systemctl reset-failed docker 2>/dev/null || true
    systemctl start docker 2>/dev/null || true
    return
  fi
  # A killed engine leaves its pid files, and another process may have the same number by now.
  is /run/docker/containerd/containerd.pid containerd || rm -f /run/docker/containerd/containerd.pid
  is /run/docker.pid dockerd || rm -f /run/docker.pid /run/docker-ssd.pid
  service docker start >/dev/null 2>&1 || true
  # The init script fails where it may not raise its limits, which the engine does not need: then dockerd is started
  # directly. The condition is outside of the background command: a shell in the background would hold our output open for
  # as long as the engine runs.
  if ! is /run/docker.pid dockerd && ! is /run/docker-ssd.pid dockerd; then
    setsid dockerd >>$log 2>&1 </dev/null &
  fi
}

# One call prints all versions; that of an engine that is down is empty.
found=$(docker info --format '{{range .ClientInfo.Plugins}}{{.Name}} {{.Version}} {{end}}engine {{.ServerVersion}}' 2>/dev/null || true)
version() { if [[ " $found" =~ " $1 "v?([0-9][0-9.]*) ]]; then echo "${BASH_REMATCH[1]}"; fi; }
there=$(version engine)
[ -n "$there" ] || there=$(dockerd --version 2>/dev/null | grep -oE '[0-9]+[0-9.]+' | sed -n 1p || true)
wanted=()
{ command -v docker >/dev/null && atleast "$engine" "$there"; } || wanted+=(docker.io docker-cli)
atleast "$compose" "$(version compose)" || wanted+=(compose)
atleast "$buildx" "$(version buildx)" || wanted+=(buildx)
[ ${#wanted[@]} = 0 ] || install_docker "${wanted[@]}"

if [ -d /run/systemd/system ] && ! systemctl is-enabled -q docker 2>/dev/null; then
  systemctl enable -q docker
  echo 'enabled at boot'
fi
if ! answers; then
  log=/var/log/docker.log
  start
  end=$((SECONDS + deadline))
  until answers; do
    if [ $SECONDS -ge $end ] || systemctl is-failed -q docker 2>/dev/null; then
      { journalctl -q _SYSTEMD_UNIT=docker.service -n 10 --no-pager -o cat 2>/dev/null || tail -n 10 $log; } >&2
      exit "$silent"
    fi
    sleep 0.2
  done
  echo started
fi
