/** The installed certificate and its renewal, and what is wrong with them. */
import { count } from '../cli/say.mts'
import { daysBetween } from '../cli/time.mts'
import type { StackConfig } from '../config/config.mts'
import { type Certificate, OVERDUE, readFacts } from '../edge/certificate.mts'
import { factsIn } from '../host/facts.mts'
import { heldFunction } from '../host/held.mts'
import type { Host } from '../host/host.mts'
import { bash, join, remote } from '../host/shell.mts'
import { type Alarm, alarm } from './alarm.mts'

export interface Renewed {
  certificate?: Certificate
  /** The problems of its renewal. */
  renewal: string[]
}

/** The functions `certificate` and `held` for a script on the server. */
export const certificateFunction = (stack: StackConfig) =>
  join([heldFunction(stack), remote('see-certificate', { folder: stack.folder, project: stack.project })])

export async function lookAtRenewal(host: Host, stack: StackConfig): Promise<Renewed> {
  const script = join([certificateFunction(stack), bash`certificate`])
  return renewedIn(await host.run('Looking at the certificate', script))
}

/** @param output what that function prints, and anything else */
export function renewedIn(output: string): Renewed {
  const all = factsIn(output)
  const pem = all('certificate')[0]?.[0]
  return {
    ...(pem && { certificate: readFacts(Buffer.from(pem, 'base64').toString()) }),
    renewal: all('renewal').map(([what = '']) => what),
  }
}

/** @param now milliseconds since 1970 */
export function certificateAlarms(
  stack: StackConfig,
  { certificate, renewal }: Renewed,
  now: number,
): Alarm[] {
  if (!certificate) return []
  const days = daysBetween(now, certificate.ends)
  const ends = days < 0 ? 'The certificate has expired' : `The certificate expires in ${count(days, 'day')}`
  const next = 'npx zx scripts/04-stack.mts'
  const pair = `put a new pair at ${stack.tls_files.certificate}, then: ${next}`
  return [
    ...(days < OVERDUE ? [alarm(ends, stack.tls === 'files' ? pair : next)] : []),
    ...renewal.map((why) => alarm(`The certificate is not renewed automatically: ${why}`, next)),
  ]
}
