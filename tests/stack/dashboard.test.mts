/** The dashboard in a real browser while somebody else rolls a release out: on a desk and on a phone, light and dark. */
import assert from 'node:assert/strict'
import path from 'node:path'
import process from 'node:process'
import { after, before, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { loadConfig, ROOT } from '../../scripts/lib/config/config.mts'
import { introduce } from '../../scripts/lib/edge/balancer.mts'
import { Host } from '../../scripts/lib/host/host.mts'
import { Probe } from '../../scripts/lib/proof/probe.mts'
import { type Replica, replicas } from '../../scripts/lib/rollout/replica.mts'
import { contrast, DESK, fits, launch, open, PHONE } from '../lib/browser.mts'
import { Deployment, docker } from '../lib/deployment.mts'
import { testLong } from '../lib/long.mts'
import { until } from '../lib/until.mts'
import { watch } from '../lib/watcher.mts'

let site: Deployment
let browser: Browser
let client: Probe | undefined
let running: ReturnType<Deployment['begin']>
let url: string
let pages: { tab: Page; faults: string[] }[] = []

before(async () => {
  site = await Deployment.prepare({ app: { environment: { WARMUP_SECONDS: '2', DRAIN_SECONDS: '2' } } })
  browser = await launch()
  running = site.begin('dashboard')
  url = await address(running)
})
after(async () => {
  await client?.stop()
  await browser?.close()
  if (running?.child?.exitCode === null) process.kill(-(running.pid as number), 'SIGINT')
  await running
  await site?.remove()
})

/** What the command prints on standard output. */
async function address(command: typeof running): Promise<string> {
  let text = ''
  command.stdout.on('data', (data) => {
    text += data
  })
  await site.printed(command, /Open this address/)
  return text.trim()
}

/** Waits until every page shows it. */
async function shows(what: string, selector: string, pattern: RegExp): Promise<void> {
  await untilWithin(what, async (tab) => pattern.test((await tab.locator(selector).textContent()) ?? ''))
}

/** Waits until it is so on every page. @throws Error with what the page says instead */
async function untilWithin(what: string, check: (tab: Page) => Promise<boolean>): Promise<void> {
  const waited = pages.map(({ tab }) =>
    until(what, () => check(tab)).catch(async (cause) => {
      throw new Error(`${what}: not seen. The page says: ${await tab.locator('body').innerText()}`, { cause })
    }),
  )
  await Promise.all(waited)
}

/** How many processes look at the server for the page. */
async function lookers(): Promise<number> {
  const { stdout } = await docker({
    nothrow: true,
  })`pgrep -fc ${`[d]ocker (events|logs --follow) .*${site.project}`}`
  return Number(stdout)
}

test('it says what to open; while nothing is deployed the page says so', async () => {
  assert.match(url, /^http:\/\/127\.0\.0\.1:\d+\/[\w-]+\/$/)
  assert.equal(await lookers(), 0)
  const page = await watch(url)
  await until('it has looked', () => page.parts.count === 'Nothing is deployed.')
  assert.match(page.parts.alarms ?? '', /npm run deploy/)
  page.close()
})

test('what status shows, and charts of each replica', async () => {
  await Deployment.start({}, site)
  client = new Probe({ site: site.site, path: '/', rate: 20, timeout: 120 }).start()
  for (const view of [DESK, PHONE]) pages.push(await open(browser, url, view))
  await shows('the replicas serve', '#lanes', /app-1 serving.*app-2 serving/)
  await shows('requests are counted', '#charts', /all[1-9]\d*\.\d \/sp50 \d+ ms, p99 \d+ ms/)
  await shows('both have some', '#charts', /app-1[1-9]\d*\.\d \/s.*app-2[1-9]\d*\.\d \/s/)
  const [release = ''] = await site.releases()
  await shows('the release', '#release', new RegExp(`release ${release}, since .* UTC by`))
  await shows('nothing is wrong', '#count', /^Nothing is out of the ordinary\.$/)
  for (const { tab } of pages) {
    assert.match(
      await tab.locator('#replicas').innerText(),
      /-app-1\s.*\s\d+ MB\s+\d+ %\s+yes, \d+ under way\s+yes/,
    )
    assert.match(await tab.locator('#services').innerText(), /lb\s+up .*redis\s+up /s)
    assert.match(await tab.locator('#server').innerText(), /certificate self-signed/)
  }
})

test('the names of the replicas change at once: each request is logged with the replica that answered it', async () => {
  const { stack } = loadConfig(path.join(site.home, 'config'))
  const host = new Host('local')
  const known = await replicas(host, stack)
  const more = [...known, { ...(known[0] as Replica), name: 'nobody', address: '192.0.2.1' }]
  await site.underLoad(
    async () => {
      for (let times = 0; times < 20; times++)
        for (const list of [more, known]) await introduce(host, stack, list)
    },
    { rate: 100 },
  )
  const lines = (await site.logged('lb')).filter((line) => line.includes('"uri":"/","status":200'))
  assert.ok(lines.length > 100)
  assert.deepEqual(
    lines.filter((line) => !/"replica":"\w+-app-\d"/.test(line)),
    [],
  )
})

test('a rollout as it happens, whoever began it: its steps as bands, each replica as a lane', async () => {
  const rolling = site.begin('redeploy', '--force')
  await shows(
    'who is at it, and at which step',
    '#underway',
    /Under way: \S+ since \S+ for redeploy\. Now: (start|ready) /,
  )
  await shows('a fresh one warms up beside those that serve', '#lanes', /app-1 serving.*app-3 warming up/)
  await shows('an old one drains', '#lanes', /app-1 draining.*app-3 serving/)
  for (const { tab } of pages) {
    assert.ok(await fits(tab))
    assert.ok((await contrast(tab)) >= 4.5, `${await contrast(tab)}`)
    assert.ok((await tab.locator('rect.band.warming').count()) > 0)
  }
  const { exitCode, stdall } = await rolling
  assert.equal(exitCode, 0, stdall)
  await shows('it has ended', '#lanes', /app-1 gone.*app-2 gone.*app-3 serving.*app-4 serving/)
  await shows('nobody is at it any more', '#underway', /^$/)
  await shows('all is well', '#count', /^Nothing is out of the ordinary\.$/)
  for (const { tab, faults } of pages) {
    const says = await tab.getByRole('img', { name: /^Steps of the rollout/ }).getAttribute('aria-label')
    // A swap or a stop may take less time than passes between two looks; the picture of the rollout has them.
    for (const step of ['start', 'ready', 'drain']) assert.match(says ?? '', new RegExp(`\\b${step}: \\S`))
    assert.deepEqual(faults, [])
  }
  const file = /The picture: (\S+)/.exec(stdall)?.[1] ?? ''
  const { tab } = await open(browser, `file://${path.resolve(ROOT, file)}`, PHONE)
  // Every request had a replica that answered, and its name is in the log.
  assert.equal(await tab.locator('rect.none').count(), 0)
  assert.equal(await tab.locator('table.phases td').filter({ hasText: '–' }).count(), 0)
  assert.ok(await fits(tab))
  await tab.close()
})

test('by keyboard: the words are explained, and stay so while the page goes on', async () => {
  const [{ tab }] = pages as [(typeof pages)[number]]
  const words = tab.locator('details')
  for (
    let presses = 0;
    presses < 20 && !(await words.evaluate((one) => one.contains(document.activeElement)));
    presses++
  )
    await tab.keyboard.press('Tab')
  await tab.keyboard.press('Enter')
  assert.match(await words.innerText(), /warming up[\s\S]*ready[\s\S]*\/status answers OK/)
  const before = await tab.locator('#charts').innerHTML()
  await until('the charts go on', async () => (await tab.locator('#charts').innerHTML()) !== before)
  assert.equal(await words.getAttribute('open'), '')
  // A screen reader knows the tables by their heads, and the pictures by words.
  const read = await tab.locator('main').ariaSnapshot()
  assert.match(read, /rowheader "app-3"/)
  assert.match(read, /img "app-3: requests each second, now \d/)
})

testLong('what is wrong stands first, in red, with the command that helps', async () => {
  await docker`docker stop -t 1 ${`${site.project}-redis-1`}`
  await shows('it is told', '#alarms', /✗ \S+-redis-1 was stopped by hand .*Next: npm run restart -- redis/)
  const [{ tab }] = pages as [(typeof pages)[number]]
  assert.match(await tab.title(), /^\(\d\) /)
})

test('nobody looks at the server when no page is open', async () => {
  assert.ok((await lookers()) > 0)
  const [desk, phone] = pages
  await phone?.tab.close()
  pages = desk ? [desk] : []
  assert.ok((await lookers()) > 0)
  await desk?.tab.close()
  await until('nobody looks', async () => (await lookers()) === 0)
})

test('Ctrl-C ends it and what it has begun; the page says so', async () => {
  pages = [await open(browser, url, DESK)]
  await untilWithin('it looks', async () => (await lookers()) > 0)
  process.kill(-(running.pid as number), 'SIGINT')
  const { exitCode, stderr } = await running
  assert.equal(exitCode, 130)
  assert.doesNotMatch(stderr, /Interrupted|Error/)
  await shows('it has ended', '#ended:not([hidden])', /npm run dashboard has ended/)
  await until('nobody looks', async () => (await lookers()) === 0)
})
