/** The probe for the site at a host. */
import { say, warn } from '../cli/say.mts'
import type { StackConfig } from '../config/config.mts'
import { REFUSES, stateOfNginx } from '../edge/nginx.mts'
import { Site } from '../edge/site.mts'
import type { Host } from '../host/host.mts'
import { type Probe, trying } from './probe.mts'

/** The probe, which has sent one request; or why there is none. @param rate requests per second */
export async function probeFor(
  host: Host,
  stack: StackConfig,
  rate: number,
): Promise<{ probe?: Probe; reason: string }> {
  const [site, notFromHere] = await Site.reach(host, stack)
  const { path, timeout } = stack.probe
  const [probe, first] = await trying({ site, path, rate, timeout })
  if (first?.status) {
    if (notFromHere) say(`The probe asks through ssh, on the server: ${notFromHere}.`)
    return { probe, reason: '' }
  }
  const nginx = await stateOfNginx(host, stack)
  if (nginx === 'waiting') warn(`${host.name} ${REFUSES}. The probe leaves it out.`)
  if (nginx !== 'answers') return { reason: 'the site was not up before' }
  warn(`${site.url(path)} does not answer from here (${first?.error}): the probe does not run.`)
  return { reason: 'the site did not answer from here' }
}
