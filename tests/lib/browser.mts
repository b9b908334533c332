/** Pages in headless Chromium, as people see them: on a desk and on a phone, light and dark. */
import { type Browser, chromium, type Page } from 'playwright-core'

export interface View {
  scheme: 'light' | 'dark'
  /** Pixels. */
  width: number
}

export const DESK: View = { scheme: 'light', width: 1100 }
export const PHONE: View = { scheme: 'dark', width: 360 }

export const launch = (): Promise<Browser> =>
  chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] })

/** @returns also what went wrong on the page: errors, refusals of its policy, requests for anything from elsewhere */
export async function open(
  browser: Browser,
  url: string,
  { scheme, width }: View,
): Promise<{ tab: Page; faults: string[] }> {
  const tab = await browser.newPage({ colorScheme: scheme, viewport: { width, height: 900 } })
  const faults: string[] = []
  tab.on('pageerror', (error) => faults.push(error.message))
  tab.on('console', (message) => faults.push(message.text()))
  tab.on('request', (request) => {
    if (!request.url().startsWith(url)) faults.push(`asked for ${request.url()}`)
  })
  await tab.goto(url, { waitUntil: 'domcontentloaded' })
  return { tab, faults }
}

/** Whether the page is as wide as its window, so that nobody has to scroll sideways. */
export const fits = (tab: Page) =>
  tab.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth)

/** The lowest contrast of text with the page behind it (WCAG 2.2, 1.4.3 wants 4.5). */
export async function contrast(tab: Page): Promise<number> {
  const paper = await tab.evaluate(() => getComputedStyle(document.body).backgroundColor)
  const inks = await tab
    .locator('main *:not(title)')
    .evaluateAll((all) =>
      all
        .filter((one) => [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent?.trim()))
        .map((one) => getComputedStyle(one)[one instanceof SVGElement ? 'fill' : 'color']),
    )
  const behind = luminance(paper)
  const each = inks
    .map(luminance)
    .map((ink) => (Math.max(ink, behind) + 0.05) / (Math.min(ink, behind) + 0.05))
  return Math.min(...each)
}

/** Relative luminance of a CSS color (WCAG 2.2). */
export function luminance(color: string): number {
  const [red = 0, green = 0, blue = 0] = (color.match(/[\d.]+/g) ?? []).map(
    (part) => (Number(part) / 255) ** 2.2,
  )
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}
