/** The lines of the task sheet about the site and its releases. */
import { list } from '../cli/say.mts'
import { day } from '../cli/time.mts'
import { OVERDUE } from '../edge/certificate.mts'
import type { Front } from './inside.mts'
import { isEven, type Outside } from './outside.mts'
import { type Facts, type Line, line } from './verdict.mts'

export function balancer({ front, inside, outside }: Facts): Line[] {
  const shares = Object.values(outside.sample.perReplica)
  const total = shares.reduce((sum, share) => sum + share, 0)
  const { redirect, hello, sample, throughSsh } = outside
  const exposed = inside.containers.flatMap((one) =>
    one.ports.filter(isPublic).map(({ port }) => ({ one, port })),
  )
  const strangers = exposed.filter(({ one }) => one.service !== 'lb')
  return [
    line(
      'Traffic is balanced over the replicas',
      isEven(sample.perReplica, inside.replicas.length) && sample.failed === 0,
      `${total} requests: ${list(shares.map(String)) || 'none answered'}`,
      `${sample.failed} failed${sample.why.length > 0 ? ` (${list(sample.why)})` : ''}`,
    ),
    line(
      'Everything is available by HTTPS',
      hello.status === 200 && hello.tls !== '' && front.days >= OVERDUE,
      hello.error
        ? `/: ${hello.error}`
        : `/: ${hello.status}, ${hello.tls}, certificate verified, ${certificateOf(front)}`,
      ...(throughSsh ? [`asked through ssh, since this machine cannot ask directly: ${throughSsh}`] : []),
    ),
    line(
      'HTTP is redirected to HTTPS',
      [301, 308].includes(redirect.status) && redirect.location.startsWith('https://'),
      redirect.error || `${redirect.status} to ${redirect.location || 'nowhere'}`,
    ),
    line(
      '/admin asks for the user developer and a password',
      inside.admin.none === '401' && inside.admin.wrong === '401' && inside.admin.right === '200',
      `without: ${inside.admin.none}`,
      `wrong: ${inside.admin.wrong}`,
      `right: ${inside.admin.right}`,
    ),
    ...['/prepare-for-deploy', '/ready-for-deploy'].map((path) => hiddenLine(path, outside)),
    line(
      'Only the load balancer is published to the network',
      strangers.length === 0 && exposed.length > 0,
      list([...new Set(exposed.map(({ one, port }) => `${one.service} ${port}`))]) || 'nothing is published',
    ),
  ]
}

/** Each rollout is a test of the script. The server's history holds what the client counted during it. */
export function redeploy({ rollout }: Facts): Line[] {
  const lost = (rollout?.failed ?? 0) + (rollout?.cut ?? 0)
  const counted =
    rollout &&
    `release ${rollout.from} → ${rollout.to}${rollout.result === 'went back' ? ' and back' : ''} on ${day(rollout.when)}: ${rollout.requests ?? 0} requests, ${lost} failed`
  return [
    line(
      'Releases a new version without visible outage',
      rollout ? lost === 0 : undefined,
      counted ?? 'no release has been replaced yet',
    ),
  ]
}

function hiddenLine(path: string, { hidden }: Outside): Line {
  const tried = hidden.filter((one) => decodeURIComponent(one.path).includes(path.slice(1)))
  const reached = tried.reduce((sum, one) => sum + one.reached, 0)
  const statuses = [...new Set(tried.map(({ status }) => status))]
  return line(
    `${path} is blocked`,
    reached === 0 && statuses.length === 1 && statuses[0] === 404,
    `${tried.length} spellings: ${statuses.join(', ')}`,
    `${reached} requests reached a replica`,
  )
}

function certificateOf({ certificate, days }: Front): string {
  const { issuer = 'nobody', selfSigned = false, ends = 0 } = certificate ?? {}
  const by = selfSigned ? 'self-signed' : `issued by ${issuer}`
  return `${by}, ends in ${days} days, on ${day(ends)}`
}

const isPublic = ({ address }: { address: string }) => !address.startsWith('127.') && address !== '::1'
