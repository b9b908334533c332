/** Who can be reached from a container's network: tried from inside it, by TCP and by UDP, with a bounded wait. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { networkInterfaces } from 'node:os'
import { docker } from './deployment.mts'

// A connection alone proves nothing: a gateway on the way may accept what it then cannot deliver. So each is asked what
// only a service of that kind answers.
const TRY = `
import socket, sys, threading
ASK = {"pg": (b"\\0\\0\\0\\x08\\x04\\xd2\\x16\\x2f", (b"N", b"S")), "redis": (b"PING\\r\\n", (b"+",)), "any": (b"GET / HTTP/1.0\\r\\n\\r\\n", (b"H",))}
def attempt(target):
    kind, host, port = target.split(":")
    question, answers = ASK[kind]
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram:
            datagram.sendto(target.encode(), (host, int(port)))
    except OSError: pass
    try:
        with socket.create_connection((host, int(port)), 3) as connection:
            connection.sendall(question)
            if connection.recv(1) in answers:
                print(target + "\\n", end="", flush=True)
    except OSError: pass
threads = [threading.Thread(target=attempt, args=[target]) for target in sys.argv[1:]]
for thread in threads: thread.start()
for thread in threads: thread.join(15)
`

/** Those of the targets (pg:, redis: or any:HOST:PORT) that answer when they are called from within the container’s network. */
export async function reached(image: string, container: string, targets: string[]): Promise<string[]> {
  const { stdout } = await docker({
    timeout: '60s',
  })`docker run --rm --network ${`container:${container}`} --entrypoint python3 ${image} -c ${TRY} ${targets}`
  return stdout.split('\n').filter(Boolean).sort()
}

/** Addresses of a container on its networks, by the network's name. */
export async function addresses(container: string): Promise<Record<string, string>> {
  const { stdout } = await docker`docker inspect -f '{{json .NetworkSettings.Networks}}' ${container}`
  const networks = JSON.parse(stdout) as Record<string, { IPAddress: string }>
  return Object.fromEntries(Object.entries(networks).map(([name, { IPAddress }]) => [name, IPAddress]))
}

/** Every address under which this machine could be called: its own, and those that Docker's networks call their gateway. */
export async function machine(): Promise<string[]> {
  const own = Object.values(networkInterfaces()).flatMap((each) => each ?? [])
  const ids = (await docker`docker network ls -q --filter driver=bridge`).stdout.split('\n').filter(Boolean)
  const format = '{{range .IPAM.Config}}{{.Gateway}} {{end}}'
  const gateways = (await docker({ nothrow: true })`docker network inspect -f ${format} ${ids}`).stdout.split(
    /\s+/,
  )
  const four = own
    .filter(({ internal, family }) => !internal && family === 'IPv4')
    .map(({ address }) => address)
  return [...new Set([...four, ...gateways.filter((address) => address.includes('.'))])]
}

/** A listener on every address of this machine, by TCP and UDP on one port. */
export class Outside {
  readonly port: number
  /** From whom something came, by what protocol. */
  readonly heard: string[] = []
  readonly #close: () => void
  private constructor(port: number, close: () => void) {
    this.port = port
    this.#close = close
  }

  static async listen(): Promise<Outside> {
    const server = createServer().listen(0, '0.0.0.0')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const datagrams = createSocket('udp4').bind(port, '0.0.0.0')
    await once(datagrams, 'listening')
    const outside = new Outside(port, () => {
      server.close()
      datagrams.close()
    })
    server.on('connection', (socket) => {
      outside.heard.push(`tcp ${socket.remoteAddress}`)
      socket.on('error', () => {})
      socket.end('Heard')
    })
    datagrams.on('message', (_, { address }) => outside.heard.push(`udp ${address}`))
    return outside
  }

  close(): void {
    this.#close()
  }
}
