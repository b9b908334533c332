/** What listens in a container's network. The kernel's tables tell, so the image needs no tool for it. */
import { rowsIn } from './facts.mts'
import type { Host } from './host.mts'
import { remote } from './shell.mts'

export interface Listener {
  /** `127.0.0.1`, `0.0.0.0`, `::1`. */
  address: string
  port: number
  /** HTTP status of its answer to /status, asked within the container; 0: no answer. */
  status: number
  body: string
}

/** The listeners of a container; none when it does not run. */
export async function listenersOf(host: Host, container: string): Promise<Listener[]> {
  return parseListeners(await host.run('Looking at what listens', remote('listeners', { container })))
}

/** @param output of scripts/remote/listeners.sh */
export function parseListeners(output: string): Listener[] {
  return rowsIn(output).map(([socket = '', status = '', body = '']) => {
    const [address = '', port = ''] = socket.split(':')
    return {
      address: addressOf(address),
      port: Number.parseInt(port, 16),
      status: Number(status) || 0,
      body: body.trim(),
    }
  })
}

/** An address of /proc/net/tcp or tcp6: words of 32 bits in hexadecimal, each with its last byte first. */
function addressOf(hex: string): string {
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap((word) => (word.match(/../g) ?? []).toReversed())
  if (bytes.length === 4) return bytes.map((byte) => Number.parseInt(byte, 16)).join('.')
  const groups = bytes.join('').match(/.{4}/g) ?? []
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1)
}
