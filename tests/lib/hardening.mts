/** What a container is confined by, looked at from outside: the kernel's own files about its processes (proc(5), cgroups(7)). */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { docker } from './deployment.mts'

/** Where nobody shall be able to write, whatever the image holds. */
const PLACES = ['/', '/etc', '/usr/bin', '/usr/lib', '/var', '/opt', '/root', '/home']

/**
 * What is mounted so that it can be written: the kernel's own, and what compose/stack.yaml names. An engine with cgroups of
 * version 1 has an empty tmpfs at /sys/fs/cgroup that only root could write to; what is mounted below it is read-only.
 */
const MOUNTS =
  /^\/(sys\/fs\/cgroup$|(dev|proc|tmp|etc\/(resolv\.conf|hostname|hosts)|var\/run\/postgresql|run\/postgresql|var\/lib\/postgresql\/data|data)(\/|$))/

/** Everything that a container may do and need not, a few words each; empty when it is confined. */
export async function violations(container: string): Promise<string[]> {
  const told = await docker`docker inspect ${container}`
  const [{ Id, State, HostConfig }] = JSON.parse(told.stdout) as [Inspected]
  const pids = processes(Id)
  return [
    ...(pids.length > 0 ? [] : ['no process found']),
    ...pids.flatMap(ofProcess),
    ...(await writable(container)),
    ...mounts(State.Pid),
    ...limits(State.Pid),
    ...(HostConfig.Privileged ? ['privileged'] : []),
    ...(HostConfig.Devices?.length ? ['devices'] : []),
    ...(HostConfig.LogConfig.Config['max-size'] && HostConfig.LogConfig.Config['max-file']
      ? []
      : ['log without limit']),
  ]
}

interface Inspected {
  Id: string
  State: { Pid: number }
  HostConfig: {
    Privileged: boolean
    Devices: unknown[] | null
    LogConfig: { Config: Record<string, string> }
  }
}

/** Numbers of all processes of a container, those that were put in later too. */
export function processes(id: string): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && read(`/proc/${pid}/cgroup`).includes(id))
}

function ofProcess(pid: number): string[] {
  const status = read(`/proc/${pid}/status`)
  if (!status) return [] // a health check that has just ended
  const field = (name: string) => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1] ?? ''
  const name = field('Name')
  return [
    ...(field('Uid').split('\t').includes('0') ? [`${name} runs as root`] : []),
    ...['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']
      .filter((set) => !/^0+$/.test(field(set)))
      .map((set) => `${name} has capabilities (${set})`),
    ...(field('NoNewPrivs') === '1' ? [] : [`${name} may gain privileges`]),
    ...(field('Seccomp') === '2' ? [] : [`${name} has no system call filter`]),
  ]
}

/** As root of the container, so that it is the file system which refuses and not a file's mode. */
async function writable(container: string): Promise<string[]> {
  const attempt =
    'for place; do if touch "$place/probe" 2>/dev/null; then rm "$place/probe"; echo "$place"; fi; done'
  const { stdout } = await docker`docker exec --user 0 ${container} sh -c ${attempt} sh ${PLACES}`
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((place) => `${place} can be written`)
}

function mounts(pid: number): string[] {
  return read(`/proc/${pid}/mounts`)
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([, place = '', , options = '']) => options.split(',').includes('rw') && !MOUNTS.test(place))
    .map(([, place]) => `${place} is mounted for writing`)
}

/** In force is what the cgroup says, of version 1 or 2. */
function limits(pid: number): string[] {
  const of = (controller: string, file: string, fileInOne: string) => {
    const lines = read(`/proc/${pid}/cgroup`)
      .split('\n')
      .map((line) => line.split(':'))
    const one = lines.find(([, names = '']) => names.split(',').includes(controller))
    const two = lines.find(([number]) => number === '0')
    const place = one
      ? `/sys/fs/cgroup/${controller}${one[2]}/${fileInOne}`
      : `/sys/fs/cgroup${two?.[2]}/${file}`
    return Number(existsSync(place) ? read(place) : Number.NaN)
  }
  const memory = of('memory', 'memory.max', 'memory.limit_in_bytes')
  const pids = of('pids', 'pids.max', 'pids.max')
  return [
    ...(memory > 0 && memory <= 2 ** 30 ? [] : ['no limit of memory']),
    ...(pids > 0 && pids <= 200 ? [] : ['no limit of processes']),
  ]
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return '' // the process is gone
  }
}
