import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { $ } from 'zx'

/** A key to log in with. The server itself is one too: root accepts it. */
export interface Identity {
  /** As a line of authorized_keys. */
  publicKey: string
  /** For `ssh -F` and the config key `ssh_config`: this key and no other, and a known_hosts of the server's own. */
  sshConfig: string
}

/** Makes a key pair and its ssh_config in a folder; nothing outside of it is read or written. */
export async function makeIdentity(folder: string, name: string): Promise<Identity> {
  const keyFile = join(folder, name)
  const sshConfig = `${keyFile}.ssh_config`
  await $`ssh-keygen -q -t ed25519 -N '' -C ${name} -f ${keyFile}`.quiet()
  await writeFile(
    sshConfig,
    `Host *
  IdentityFile ${keyFile}
  IdentitiesOnly yes
  BatchMode yes
  ConnectTimeout 5
  StrictHostKeyChecking accept-new
  UserKnownHostsFile ${folder}/known_hosts
  LogLevel ERROR
`,
  )
  return { publicKey: (await readFile(`${keyFile}.pub`, 'utf8')).trim(), sshConfig }
}
