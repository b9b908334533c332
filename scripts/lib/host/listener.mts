/** What listens in a container's own network: read from the kernel's tables, so that the image need hold no tool for it. */
import type { Host } from './host.mts'
import { remote } from './shell.mts'

export interface Listener {
  /** `127.0.0.1`, `0.0.0.0`, `::1`: as addresses are written. */
  address: string
  port: number
  /** What it answers to /status from within the container; status 0: nothing. */
  status: number
  body: string
}

/** The listeners of a running container; none when it does not run. */
export async function listenersOf(host: Host, container: string): Promise<Listener[]> {
  return parseListeners(await host.run('Looking at what listens', remote('listeners', { container })))
}

/** @param output of listeners.sh */
export function parseListeners(output: string): Listener[] {
  const lines = output.split('\n').filter(Boolean)
  return lines.map((line) => {
    const [socket = '', status = '', body = ''] = line.split('\t')
    const [address = '', port = ''] = socket.split(':')
    return {
      address: addressOf(address),
      port: Number.parseInt(port, 16),
      status: Number(status) || 0,
      body: body.trim(),
    }
  })
}

/** From /proc/net/tcp{,6}: words of 32 bits in hexadecimal, each with its last byte first. */
function addressOf(hex: string): string {
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap((word) => (word.match(/../g) ?? []).toReversed())
  if (bytes.length === 4) return bytes.map((byte) => Number.parseInt(byte, 16)).join('.')
  const groups = bytes.join('').match(/.{4}/g) ?? []
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1)
}
