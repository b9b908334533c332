/** Debian packages: missing ones are installed, and installed ones are not upgraded. */
import type { Host } from '../host/host.mts'
import { join, remote, type Script } from '../host/shell.mts'

/** Packages that the other steps and the logins need. */
export const NEEDED = [
  'age',
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

/** Seconds: enough for fifty packages from a slow mirror. */
export const INSTALL_DEADLINE = 900

/** The functions `update` and `install PACKAGE…`, for a script. */
export const INSTALL = remote('install')

/** Installs the packages that are missing. @returns their names */
export async function installPackages(host: Host, packages: string[]): Promise<string[]> {
  return await host.lines('Installing packages', packagesScript(packages), { deadline: INSTALL_DEADLINE })
}

export function packagesScript(packages: string[]): Script {
  return join([INSTALL, remote('packages', { packages })])
}
