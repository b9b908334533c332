/** `npm run pictures`: the pictures of README and docs, taken of a real rollout with clients. Overwrites docs/pictures/. */
import { appendFileSync, mkdirSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Page } from 'playwright-core'
import { result, step } from '../scripts/lib/cli/say.mts'
import { ROOT } from '../scripts/lib/config/config.mts'
import { Probe } from '../scripts/lib/proof/probe.mts'
import { copyOf } from './lib/application.mts'
import { DESK, launch, open, PHONE } from './lib/browser.mts'
import { Deployment } from './lib/deployment.mts'
import { until } from './lib/until.mts'

const FOLDER = path.join(ROOT, 'docs/pictures')
/** Milliseconds of the time before the rollout, for the charts. */
const BEFORE = 60_000
/** Pixels of a page's height that a picture shows at most. */
const DESK_HEIGHT = 1250
const PHONE_HEIGHT = 1100

process.env.SHLVL = String(Math.max(1, Number(process.env.SHLVL ?? 0))) // as tests/run.mts has it
mkdirSync(FOLDER, { recursive: true })
const prepared = await Deployment.prepare()
// The name of the project is in every picture.
const site = Object.assign(prepared, { project: 'example' })
const source = copyOf(site, 'app')
const browser = await launch()
let client: Probe | undefined
try {
  await step('Deployment', async () => {
    await Deployment.start(
      {
        app: { source, environment: { WARMUP_SECONDS: '8', DRAIN_SECONDS: '10' } },
        rollout: { surge: 1 },
        probe: { rate: 20 },
      },
      site,
    )
    return 'runs'
  })
  client = new Probe({ site: site.site, path: '/palindrom/level', rate: 40, timeout: 30 }).start()
  const dashboard = site.begin('dashboard', '--json')
  let text = ''
  dashboard.stdout.on('data', (data) => {
    text += data
  })
  await until('it says what to open', () => text.includes('\n'))
  const { url } = JSON.parse(text)
  const [desk, phone] = [await open(browser, url, DESK), await open(browser, url, PHONE)]
  await sleep(BEFORE)
  appendFileSync(path.join(source, 'app.py'), '\n# the next release\n')
  const rolling = site.begin('redeploy')
  await until('old and fresh ones are in the picture', async () =>
    /app-1 gone.*app-2 draining.*app-4 serving/.test((await desk.tab.locator('#lanes').textContent()) ?? ''),
  )
  await take(desk.tab, 'dashboard.png', DESK_HEIGHT)
  await take(phone.tab, 'dashboard-phone.png', PHONE_HEIGHT)
  const { stdall } = await rolling
  const file = /The picture: (\S+)/.exec(stdall)?.[1] ?? ''
  const report = await open(browser, `file://${path.resolve(ROOT, file)}`, DESK)
  await take(report.tab, 'report.png')
  process.kill(-(dashboard.pid as number), 'SIGINT')
  await dashboard
} finally {
  await client?.stop()
  await browser.close()
  await site.remove()
}

/** @param most pixels of its height; without it the whole page is taken */
async function take(tab: Page, name: string, most = Number.POSITIVE_INFINITY): Promise<void> {
  const { width = 0 } = tab.viewportSize() ?? {}
  const height = await tab.evaluate(() =>
    Math.ceil(document.querySelector('main')?.getBoundingClientRect().bottom ?? 0),
  )
  await tab.setViewportSize({ width, height: Math.min(height + 24, most) })
  await tab.screenshot({ path: path.join(FOLDER, name) })
  result(path.relative(process.cwd(), path.join(FOLDER, name)))
}
