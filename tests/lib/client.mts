/** Clients of kinds that the probe is none of: that send bodies, read slowly, or speak HTTP/2. They believe any certificate. */
import type http from 'node:http'
import type { ClientRequest, OutgoingHttpHeaders } from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'

const PATIENT = { timeout: 120_000, rejectUnauthorized: false }

export class Client {
  /** @param origin https://NAME:PORT */
  constructor(private readonly origin: string) {}

  /** Sends a body; returns status and body of the answer. @param pause milliseconds after each twentieth of it */
  send(page: string, body: Buffer, headers: OutgoingHttpHeaders = {}, pause = 0): Promise<string> {
    return new Promise((resolve, reject) => {
      const options = { ...PATIENT, method: 'POST', headers }
      const request = https.request(`${this.origin}${page}`, options, (response) => {
        text(response).then((body) => resolve(`${response.statusCode} ${body}`), reject)
      })
      request.on('error', reject)
      const piece = Math.ceil(body.length / (pause ? 20 : 1))
      const next = (at: number) => {
        if (at >= body.length) return request.end()
        request.write(body.subarray(at, at + piece), () => setTimeout(next, pause, at + piece))
      }
      if (headers.Expect) request.on('continue', () => next(0))
      else next(0)
    })
  }

  get(page: string, headers: OutgoingHttpHeaders = {}) {
    return new Promise<{ headers: http.IncomingHttpHeaders; body: Buffer }>((resolve, reject) => {
      const request = https.get(`${this.origin}${page}`, { ...PATIENT, headers }, async (response) => {
        resolve({ headers: response.headers, body: Buffer.concat(await response.toArray()) })
      })
      request.on('error', reject)
    })
  }

  /** The whole text, and the milliseconds between its first piece and its end. */
  listen(page: string): Promise<{ text: string; took: number }> {
    return new Promise((resolve, reject) => {
      const request = https.get(`${this.origin}${page}`, PATIENT, (response) => {
        let first = 0
        response.once('data', () => {
          first = Date.now()
        })
        text(response).then((text) => resolve({ text, took: Date.now() - first }), reject)
      })
      request.on('error', reject)
    })
  }

  /** Reads so many bytes of an answer, a little at a time, and then no more; returns the connection. */
  trickle(page: string, enough: number): Promise<ClientRequest> {
    return new Promise((resolve, reject) => {
      const request = https.get(`${this.origin}${page}`, PATIENT, (response) => {
        let seen = 0
        response.on('error', () => {})
        response.on('data', (data) => {
          seen += data.length
          response.pause()
          if (seen < enough) setTimeout(() => response.resume(), 10)
          else resolve(request)
        })
      })
      request.on('error', reject)
    })
  }

  /** The status of an answer over HTTP/2. */
  overHttp2(page: string): Promise<number> {
    return new Promise((resolve, reject) => {
      const client = http2.connect(this.origin, PATIENT)
      const request = client.request({ ':path': page })
      request.on('response', (headers) => resolve(Number(headers[':status'])))
      request.on('error', reject)
      request.on('close', () => client.close())
      request.resume()
    })
  }
}

async function text(response: http.IncomingMessage): Promise<string> {
  let all = ''
  for await (const part of response) all += part
  return all
}
