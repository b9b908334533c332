/** What one replica and one load balancer can do: requests per second of wrk, closed loop, 32 connections. */
import { Deployment } from '../tests/lib/deployment.mts'
import { addresses, rate } from './hop.mts'
import { median } from './measure.mts'

/** Number of measurements, in turn; the median counts. */
const TIMES = 3

/** Prints a line for each way, for docs/scale.md. */
export async function capacity(): Promise<string[][]> {
  const site = await Deployment.start({ app: { replicas: 2 }, limits: { requests: 100_000 } })
  try {
    const [one, other] = (await addresses(site, 'app', 'frontend')).map((at) => `http://${at}:5000`)
    const ways: Record<string, string[]> = {
      'one replica: /': [`${one}/`],
      'one replica: a page with Redis (/redis-hits)': [`${one}/redis-hits`],
      'one replica: a page that stores a row (/palindrom/kayak)': [`${one}/palindrom/kayak`],
      'two replicas on one host: /': [`${one}/`, `${other}/`],
      'nginx alone: a page that it answers itself (404)': [`${site.origin}/prepare-for-deploy`],
      'the whole host: HTTPS, nginx, HAProxy, two replicas': [`${site.origin}/`],
    }
    const rates: Record<string, number[]> = {}
    for (let time = 0; time < TIMES; time++)
      for (const [way, urls] of Object.entries(ways)) {
        const each = await Promise.all(urls.map((url) => rate(url, url.endsWith('deploy'))))
        rates[way] = [...(rates[way] ?? []), each.reduce((sum, one) => sum + one, 0)]
      }
    return Object.entries(rates).map(([way, all]) => [way, `${median(all).toFixed(0)} requests/s`])
  } finally {
    await site.remove()
  }
}
