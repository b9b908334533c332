import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'

/** A server that takes connections and never says a word. */
export async function listening(): Promise<{ port: number; connections: () => number; close: () => void }> {
  const sockets: Socket[] = []
  const server: Server = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = () => {
    for (const socket of sockets) socket.destroy()
    server.close()
  }
  return { port: (server.address() as AddressInfo).port, connections: () => sockets.length, close }
}
