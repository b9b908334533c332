/** What it costs a balancer to ask a replica on another host: the question whether it should prefer its own. */
import type { Hosts } from '../tests/server/hosts.mts'
import { median } from './measure.mts'

/** Number of requests to each replica, one after the other, on a connection kept open. */
const REQUESTS = 1500

/**
 * Runs in the network of a balancer, by the Python of the application's image. Asks all replicas in turn, so that changes
 * of the machine's speed affect all of them. Prints for each the milliseconds at p50.
 */
const ASK = `
import http.client, json, socket, statistics, sys, time
doors = {address: http.client.HTTPConnection(address, 5000) for address in sorted(set(socket.gethostbyname_ex("tasks.app")[2]))}
took = {address: [] for address in doors}
for number in range(int(sys.argv[1])):
    for address, door in doors.items():
        began = time.perf_counter()
        door.request("GET", "/")
        door.getresponse().read()
        took[address].append((time.perf_counter() - began) * 1000)
print(json.dumps({address: statistics.median(times) for address, times in took.items()}))
`

/** @param hosts with a deployment that has a replica on the first host and others elsewhere */
export async function distance(hosts: Hosts): Promise<string[][]> {
  const [server] = hosts.servers
  const run = async (command: string) => (await server?.exec(command))?.stdout.trim() ?? ''
  const own = await run('docker ps -q --filter name=^/prusa_app | head -n 1')
  const image = await run(`docker inspect -f '{{.Image}}' ${own}`)
  const networks = await run(
    `docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}' ${own}`,
  )
  const words = `docker run --rm -i --network container:prusa-balancer-1 --entrypoint python ${image}`
  const asked = JSON.parse(await run(`${words} - ${REQUESTS} <<'EOF'${ASK}EOF`)) as Record<string, number>
  const near = Object.entries(asked).filter(([address]) => networks.split(' ').includes(address))
  const far = Object.entries(asked).filter(([address]) => !networks.split(' ').includes(address))
  const at = (some: [string, number][]) => `${median(some.map(([, took]) => took)).toFixed(2)} ms`
  return [
    [
      `a balancer asks a replica, at rest, ${REQUESTS} requests each, p50: on its own host, on another one`,
      `${at(near)}, ${at(far)}`,
    ],
  ]
}
