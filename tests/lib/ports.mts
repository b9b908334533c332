import { type AddressInfo, createServer } from 'node:net'

/** A port on 127.0.0.1 that nobody listens on now: the kernel chooses, so tests in parallel rarely collide. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}
