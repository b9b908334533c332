/** Docker Engine, Compose and buildx: kept when there and new enough, else from the distribution's archive; running. */
import { CommandError, indent, lastLines, OperatorError } from './errors.mts'
import type { Host } from './host.mts'
import { INSTALL, INSTALL_DEADLINE } from './packages.mts'
import { bash, type Script } from './shell.mts'

/** The oldest versions that all scripts are known to work with: those of Debian 12 and its two pinned packages. */
const ENGINE = '20.10'
const COMPOSE = '2.20'
const BUILDX = '0.10'

/** Seconds until a started engine answers; a cold one on a slow disk loads its containers first. */
const START_DEADLINE = 60
/** Exit code of the script below for an engine that does not start. */
const NOT_STARTING = 80

/** Installs what is missing and sees to it that the engine runs, now and after a reboot; returns what was changed. */
export async function ensureEngine(host: Host): Promise<string[]> {
  const output = await host
    .run('Preparing the Docker Engine', engineScript(), { deadline: INSTALL_DEADLINE })
    .catch((error) => {
      if (!(error instanceof CommandError && error.exitCode === NOT_STARTING)) throw error
      throw new OperatorError(
        `The Docker Engine on ${host.name} does not start; its last words:\n${indent(lastLines(error.output, 10))}`,
        'Put that right (often it is /etc/docker/daemon.json) and run again; on the server, systemctl status docker shows more.',
        'users and packages are prepared.',
      )
    })
  return output.split('\n').filter(Boolean)
}

/** Makes sshd run; on a machine that is reached over ssh it does. */
export async function ensureSshd(host: Host): Promise<string[]> {
  const output = await host.run(
    'Starting sshd',
    bash`
if [ -d /run/systemd/system ]; then
  systemctl is-active -q ssh.service || systemctl is-active -q ssh.socket || { systemctl enable -q --now ssh; echo 'started sshd'; }
elif ! service ssh status >/dev/null 2>&1; then
  service ssh start >&2
  echo 'started sshd'
fi`,
  )
  return output.split('\n').filter(Boolean)
}

export function engineScript(): Script {
  return bash`
${INSTALL}
atleast() { [ "$(printf '%s\n' "$1" "$2" | sort -V | sed -n 1p)" = "$1" ]; } # MINIMUM VERSION
. /etc/os-release

${PIN}

# One call tells all versions, with an empty one for an engine that is down.
found=$(docker info --format '{{range .ClientInfo.Plugins}}{{.Name}} {{.Version}} {{end}}engine {{.ServerVersion}}' 2>/dev/null || true)
version() { if [[ " $found" =~ " $1 "v?([0-9][0-9.]*) ]]; then echo "\${BASH_REMATCH[1]}"; fi; }
engine=$(version engine)
[ -n "$engine" ] || engine=$(dockerd --version 2>/dev/null | grep -oE '[0-9]+[0-9.]+' | sed -n 1p || true)
wanted=()
command -v docker >/dev/null && atleast ${ENGINE} "$engine" || wanted+=(docker.io docker-cli)
atleast ${COMPOSE} "$(version compose)" || wanted+=(compose)
atleast ${BUILDX} "$(version buildx)" || wanted+=(buildx)
if [ \${#wanted[@]} -gt 0 ]; then
  if [ "$ID" = debian ] && [ "$VERSION_ID" = 12 ]; then pin_compose_and_buildx; fi
  update
  known() { [[ $(apt-cache policy "$1" 2>/dev/null) == *'Candidate: '[0-9]* ]]; }
  packages=()
  for want in "\${wanted[@]}"; do
    case $want in # Docker's own packages where its archive is configured, Ubuntu's and Debian's names elsewhere
      compose) names='docker-compose-plugin docker-compose-v2 docker-compose' ;;
      buildx) names='docker-buildx-plugin docker-buildx' ;;
      *) names=$want ;;
    esac
    for name in $names none; do
      if known "$name"; then packages+=("$name"); break; fi
    done
    # Debian 12 has no docker-cli: there it is in docker.io.
    if [ "$name" = none ] && [ "$want" != docker-cli ]; then
      echo "the archives of this system have none of: $names (see apt-cache policy)" >&2
      exit 1
    fi
  done
  install "\${packages[@]}"
  echo "installed \${packages[*]}"
fi

answers() { docker version >/dev/null 2>&1; }
if [ -d /run/systemd/system ]; then
  systemctl is-enabled -q docker 2>/dev/null || { systemctl enable -q docker; echo 'enabled at boot'; }
fi
if ! answers; then
  log=/var/log/docker.log
  if [ -d /run/systemd/system ]; then
    # After several failures systemd starts it no more, not even when its mistake has been mended.
    systemctl reset-failed docker 2>/dev/null || true
    systemctl start docker 2>/dev/null || true
  else
    # An engine that was killed leaves its pid files, and the number may be somebody else's by now.
    is() { [ "$(cat "/proc/$(cat "$1" 2>/dev/null)/comm" 2>/dev/null)" = "$2" ]; }
    is /run/docker/containerd/containerd.pid containerd || rm -f /run/docker/containerd/containerd.pid
    is /run/docker.pid dockerd || rm -f /run/docker.pid /run/docker-ssd.pid
    service docker start >/dev/null 2>&1 || true
    # The init script gives up where it may not raise its limits; the engine itself needs none of that.
    # A list in the background would leave a shell that holds our output open for as long as the engine runs.
    if ! is /run/docker.pid dockerd && ! is /run/docker-ssd.pid dockerd; then
      setsid dockerd >>$log 2>&1 </dev/null &
    fi
  fi
  deadline=$((SECONDS + ${START_DEADLINE}))
  until answers; do
    if [ $SECONDS -ge $deadline ] || systemctl is-failed -q docker 2>/dev/null; then
      { journalctl -q _SYSTEMD_UNIT=docker.service -n 10 --no-pager -o cat 2>/dev/null || tail -n 10 $log; } >&2
      exit ${NOT_STARTING}
    fi
    sleep 0.2
  done
  echo started
fi`
}

// Debian 12 has neither Compose v2 nor buildx. Debian 13's run on it; the pin takes these two from there and leaves
// everything else alone (without it a later upgrade would lift the whole system). Debian 12 has the docker command in
// docker.io itself; Debian 13's docker-cli would be taken for a package to install, and the two exclude each other.
const PIN = bash`
pin_compose_and_buildx() {
  local mirror
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' | sed -n 1p)
  echo "deb $mirror trixie main" >/etc/apt/sources.list.d/debian-13-for-docker.list
  cat >/etc/apt/preferences.d/debian-13-for-docker <<PIN
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
}`
