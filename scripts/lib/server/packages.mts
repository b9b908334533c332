/** Debian packages: what is missing is installed, what is there stays as it is. */
import type { Host } from '../host/host.mts'
import { join, remote, type Script } from '../host/shell.mts'

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

/** `update` and `install PACKAGE…`. */
export const INSTALL = remote('install')

/** Installs those of the packages that are missing, and returns their names. */
export async function installPackages(host: Host, packages: string[]): Promise<string[]> {
  const output = await host.run('Installing packages', packagesScript(packages), {
    deadline: INSTALL_DEADLINE,
  })
  return output.split('\n').filter(Boolean)
}

export function packagesScript(packages: string[]): Script {
  return join([INSTALL, remote('packages', { packages })])
}
