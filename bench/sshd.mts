/** An sshd of the bench on 127.0.0.1, so that this machine can also be measured over ssh. */
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { $ } from 'zx'
import { freePort } from '../tests/lib/ports.mts'
import { connects } from '../tests/lib/raw.mts'
import { until } from '../tests/lib/until.mts'
import { makeIdentity } from '../tests/server/identity.mts'

export interface Sshd {
  /** The value for --host. */
  host: string
  sshConfig: string
  stop(): void
}

export async function startSshd(): Promise<Sshd> {
  const folder = mkdtempSync(path.join(tmpdir(), 'prusa-bench-'))
  const port = await freePort()
  const { publicKey, sshConfig } = await makeIdentity(folder, 'operator')
  writeFileSync(path.join(folder, 'authorized_keys'), `${publicKey}\n`)
  await $({ quiet: true })`ssh-keygen -q -t ed25519 -N '' -f ${path.join(folder, 'host_key')}`
  const settings = {
    ListenAddress: '127.0.0.1',
    Port: port,
    HostKey: path.join(folder, 'host_key'),
    AuthorizedKeysFile: path.join(folder, 'authorized_keys'),
    // Everybody may write to a folder above.
    StrictModes: 'no',
    PidFile: 'none',
    // Else bash takes each session for a login and runs root's .bashrc, which may be slow on a developer's machine.
    SetEnv: 'SHLVL=2',
  }
  const options = Object.entries(settings).flatMap(([key, value]) => ['-o', `${key}=${value}`])
  mkdirSync('/run/sshd', { recursive: true })
  const sshd = spawn('/usr/sbin/sshd', ['-D', '-f', '/dev/null', ...options], { stdio: 'ignore' })
  await until('sshd listens', () => connects('127.0.0.1', port))
  const stop = () => {
    sshd.kill()
    rmSync(folder, { recursive: true })
  }
  return { host: `ssh://root@127.0.0.1:${port}`, sshConfig, stop }
}
