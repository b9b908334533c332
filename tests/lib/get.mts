/** One request to a site, as a client makes it. */
import http from 'node:http'
import https from 'node:https'
import type { Site } from '../../scripts/lib/edge/site.mts'

/** What came back; status 0, and the error as the body, when nothing did, or not all of it. */
export interface Answer {
  status: number
  body: string
  headers: Record<string, unknown>
}

/** @param secure over HTTPS, else over plain HTTP */
export function get(
  site: Site,
  page: string,
  headers: Record<string, string> = {},
  method = 'GET',
  secure = true,
): Promise<Answer> {
  return new Promise((resolve) => {
    const none = ({ message }: Error) => resolve({ status: 0, body: message, headers: {} })
    const options = secure ? site.secure(page, site.agent(), headers) : site.plain(page, headers)
    const protocol = secure ? https : http
    const request = protocol.request({ ...options, method, timeout: 30_000 }, (response) => {
      let body = ''
      response.on('data', (data) => {
        body += data
      })
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body: body.trim(), headers: response.headers }),
      )
      response.on('error', none) // broken off
    })
    request.on('timeout', () => request.destroy(new Error('no answer within 30 s')))
    request.on('error', none)
    request.end()
  })
}

/** The header of basic auth. */
export function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
}
