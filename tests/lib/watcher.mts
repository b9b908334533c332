/** A page of `npm run dashboard` without a browser: what it is sent. */
import http from 'node:http'
import { createInterface } from 'node:readline'

export interface Reply {
  status: number
  headers: http.IncomingHttpHeaders
  body: string
}

/** One request to the page's web server. */
export function ask(url: string, options: http.RequestOptions = {}): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const request = http.request(url, { agent: false, ...options }, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (text) => {
        body += text
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }))
    })
    request.on('error', reject)
    request.end()
  })
}

/** Follows the events; `parts` are what a page would show now, and `events` how many have come. */
export async function watch(url: string) {
  const watching = { parts: {} as Record<string, string>, events: 0, close: () => {} }
  const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
    const request = http.get(`${url}events`, { agent: false }, resolve)
    request.on('error', reject)
    watching.close = () => request.destroy()
  })
  const lines = createInterface({ input: response })
  for (const ends of [response, lines]) ends.on('error', () => {}) // the command has ended, or the page is closed
  lines.on('line', (line) => {
    if (!line.startsWith('data: ')) return
    Object.assign(watching.parts, JSON.parse(line.slice('data: '.length)))
    watching.events++
  })
  return watching
}
