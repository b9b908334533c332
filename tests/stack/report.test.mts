/** The report of a rollout in a real browser: light and dark, on a desk and on a phone. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { reportPage } from '../../scripts/lib/proof/report.mts'
import { contrast, DESK, fits, launch, luminance, open, PHONE } from '../lib/browser.mts'

let browser: Browser
let folder: string
before(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'prusa-test-'))
  browser = await launch()
})
after(async () => {
  await browser.close()
  rmSync(folder, { recursive: true, force: true })
})

const began = Date.UTC(2026, 0, 2, 3, 4, 5)

/** Twenty seconds: a second of warm-up, a swap in the middle, one failure, a release with a hostile name. */
function page(failing: boolean): string {
  const samples = Array.from({ length: 400 }, (_, index) => ({
    due: began + index * 50,
    took: 5 + (index % 7),
    status: 200,
    error: failing && index === 200 ? 'answered 502' : '',
    during: failing && index === 200 ? 'swap prusa-app-3 in' : '',
  }))
  const traffic = Array.from({ length: 40 }, (_, index) => ({
    at: began + index * 500,
    release: index < 20 ? 'old' : '<new>',
    requests: 10,
  }))
  const steps = [
    { kind: 'start' as const, names: '1 replica of <new>', from: began, to: began + 1000 },
    { kind: 'ready' as const, names: 'prusa-app-3', from: began + 1000, to: began + 9000 },
    { kind: 'swap' as const, names: 'prusa-app-3 in', from: began + 10000, to: began + 10300 },
    { kind: 'drain' as const, names: 'prusa-app-1', from: began + 10300, to: began + 14000 },
    { kind: 'drain' as const, names: 'prusa-app-2', from: began + 10300, to: began + 17000 },
    { kind: 'drain' as const, names: 'prusa-app-5', from: began + 15000, to: began + 18000 },
  ]
  return reportPage({
    from: 'old',
    to: '<new>',
    result: 'released',
    began,
    ended: began + 20000,
    steps,
    samples,
    traffic,
  })
}

async function show(html: string, view = DESK): Promise<Page> {
  const file = path.join(folder, 'report.html')
  writeFileSync(file, html)
  const { tab, faults } = await open(browser, `file://${file}`, view)
  assert.deepEqual(faults, [])
  return tab
}

const x = (tab: Page, selector: string) =>
  tab
    .locator(selector)
    .first()
    .evaluate((element) => element.getBoundingClientRect().x)

test('traffic, latency and steps share one time axis', async () => {
  const tab = await show(page(false))
  assert.equal(await tab.locator('h1').innerText(), 'Release old → <new>: released')
  assert.equal(await tab.locator('circle.dot').count(), 400)
  // The swap at 10 s stands where the traffic of the new release begins.
  const swap = await x(tab, 'rect.band.swap')
  const fresh = await tab
    .locator('rect.to:has(title)')
    .first()
    .evaluate((element) => element.getBoundingClientRect().x)
  assert.ok(Math.abs(swap - fresh) < 3, `${swap} and ${fresh}`)
  assert.match(await tab.locator('body').innerText(), /No request failed/)
})

test('axes have units, lines show p50 and p99, and each word of a step is explained', async () => {
  const tab = await show(page(false))
  const labels = await tab.locator('.labels text').allTextContents()
  assert.ok(labels.includes('20 /s') && labels.includes('10 ms') && labels.includes('drain'), labels.join())
  assert.ok((await tab.locator('.plot text').allTextContents()).includes('10 s'))
  for (const line of ['p50', 'p99']) assert.equal(await tab.locator(`path.line.${line}`).count(), 1)
  const words = await tab.locator('.legend dt').allInnerTexts()
  for (const word of ['start', 'ready', 'swap', 'drain', 'serving', 'draining', 'release <new>'])
    assert.ok(
      words.some((one) => one.trim() === word),
      `${word} in ${words}`,
    )
})

test('the percentiles before, during and after stand side by side', async () => {
  const tab = await show(page(true))
  const rows = await tab.locator('table.phases tr').allInnerTexts()
  assert.deepEqual(
    rows.map((row) => row.split(/\t/).map((cell) => cell.trim())),
    [
      ['', 'before', 'during', 'after', 'in all'],
      ['requests', '200', '7', '193', '400'],
      ['failed', '0', '1', '0', '1'],
      ['p50', '8 ms', '8 ms', '8 ms', '8 ms'],
      ['p99', '11 ms', '11 ms', '11 ms', '11 ms'],
      ['slowest', '11 ms', '11 ms', '11 ms', '11 ms'],
    ],
  )
})

test('each replica has a lane', async () => {
  const tab = await show(page(false))
  const lanes = tab.getByRole('img', { name: /^Replicas\./ })
  const says = (await lanes.getAttribute('aria-label')) ?? ''
  assert.match(
    says,
    /app-1: serving for 10\.3 s, draining for 9\.7 s\. .*app-3: warming up for 9\.0 s, serving for 10\.0 s/,
  )
  assert.equal(await lanes.locator('rect.band.warming').count(), 1)
})

test('a phone shows all of it without scrolling sideways, and in letters of the same size', async () => {
  const tab = await show(page(true), PHONE)
  assert.ok(await fits(tab))
  const size = await tab
    .locator('.plot text')
    .first()
    .evaluate((text) => text.getBoundingClientRect().height)
  assert.ok(size >= 11, `${size}`)
})

test('steps that overlap have lines of their own, others share one', async () => {
  const tab = await show(page(false))
  const [one, two, five] = await tab
    .locator('.plot rect.band.drain')
    .evaluateAll((bands) =>
      bands.map((band) => [band.querySelector('title')?.textContent, band.getBoundingClientRect().y]),
    )
    .then((bands) => bands.sort().map(([, y]) => y))
  assert.ok(Math.abs(Number(one) - Number(two)) > 10, `${one} and ${two}`)
  assert.equal(one, five)
})

test('the picture marks a failed request, and the page tells its time and step', async () => {
  const tab = await show(page(true))
  assert.equal(await tab.locator('path.failed').count(), 1)
  assert.match(
    await tab.locator('table.failures').innerText(),
    /03:04:15\.000\s+answered 502\s+swap prusa-app-3 in/,
  )
})

test('light and dark differ, and both can be read', async () => {
  const papers = []
  for (const scheme of ['light', 'dark'] as const) {
    const tab = await show(page(true), { ...DESK, scheme })
    papers.push(luminance(await tab.evaluate(() => getComputedStyle(document.body).backgroundColor)))
    assert.ok((await contrast(tab)) >= 4.5, `${scheme}: ${await contrast(tab)}`)
  }
  const [light = 0, dark = 1] = papers
  assert.ok(light > 0.9 && dark < 0.1)
})
