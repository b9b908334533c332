/** The files of a deployment that every host has: passwords, certificate, targets and history. */
import type { StackConfig } from '../config/config.mts'
import { takeOverFrom } from '../edge/certificate.mts'
import type { Host } from '../host/host.mts'
import { bash, remote } from '../host/shell.mts'

/** In the deployment's folder. */
const FILES = ['secrets', 'targets', 'history.jsonl', 'history.begun', 'images', 'address', 'nginx/htpasswd']
/** Is there only while a rollout is under way. */
const PASSING = ['history.begun']
const CERTIFICATE = ['certificate.pem', 'key.pem']

/** Makes a host's files those of another one. @returns what changed, a few words each */
export async function mirror(from: Host, to: Host, stack: StackConfig): Promise<string[]> {
  const { folder } = stack
  const arrived = `${folder}/nginx/mirrored`
  await to.run(
    'Making the folders',
    bash`install -d -m 700 ${folder}; install -d -m 755 ${folder}/nginx; install -d -m 700 ${arrived}`,
  )
  const changed = (await copy(from, to, folder, folder, FILES)) ? ['passwords, targets and history'] : []
  await copy(from, to, `${folder}/nginx/tls`, arrived, CERTIFICATE)
  // Also when it arrived in an earlier run that ended too early.
  return (await takeOverFrom(to, stack, arrived)) ? [...changed, 'certificate'] : changed
}

/** @returns whether anything was copied */
async function copy(from: Host, to: Host, source: string, folder: string, names: string[]): Promise<boolean> {
  const pack = (folder: string, digest: 'yes' | 'no') => remote('pack-mirror', { folder, names, digest })
  const [there, here] = await Promise.all([
    from.run('Comparing files', pack(source, 'yes')),
    to.run('Comparing files', pack(folder, 'yes')),
  ])
  if (there === here) return false
  const into = remote('unpack-mirror', { folder, passing: PASSING })
  await from.pipe(`Copying files to ${to.name}`, pack(source, 'no'), to, into)
  return true
}
