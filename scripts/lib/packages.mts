/** Debian packages: what is missing is installed, what is there stays as it is. */
import type { Host } from './host.mts'
import { bash, type Script } from './shell.mts'

/** What the other steps and the logins need. */
export const NEEDED = [
  'apache2-utils',
  'ca-certificates',
  'curl',
  'iproute2',
  'iptables',
  'jq',
  'openssh-server',
  'openssl',
  'sudo',
]

/** Seconds; a slow mirror and fifty packages. */
export const INSTALL_DEADLINE = 900

/**
 * `install PACKAGE…`: asks nothing, finishes what was interrupted, and waits for other package managers: a server that
 * has just booted updates itself, and a run that was cut off may still be at it.
 */
export const INSTALL = bash`
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
update() { patient apt-get update -qq -o Acquire::Retries=3; updated=yes; }
install() {
  export DEBIAN_FRONTEND=noninteractive
  patient dpkg --configure -a
  [ -n "\${updated:-}" ] || update
  patient apt-get install -y -qq --no-install-recommends -o Acquire::Retries=3 "$@"
}`

/** Installs those of the packages that are missing, and returns their names. */
export async function installPackages(host: Host, packages: string[]): Promise<string[]> {
  const output = await host.run('Installing packages', packagesScript(packages), {
    deadline: INSTALL_DEADLINE,
  })
  return output.split('\n').filter(Boolean)
}

export function packagesScript(packages: string[]): Script {
  return bash`
${INSTALL}
there=" $(dpkg-query -W -f '\${db:Status-Status}:\${Package} ' ${packages} 2>/dev/null || true)"
missing=()
for package in ${packages}; do
  [[ $there == *" installed:$package "* ]] || missing+=("$package")
done
[ \${#missing[@]} -eq 0 ] || install "\${missing[@]}"
printf '%s\n' "\${missing[@]}"`
}
