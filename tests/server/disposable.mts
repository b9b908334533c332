import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { $ } from 'zx'
import { freePort } from '../lib/ports.mts'
import { until } from '../lib/until.mts'
import { type Identity, makeIdentity } from './identity.mts'
import { type Stage, type Suite, serverImage } from './image/build.mts'

/** A Debian server of a test's own, with systemd and sshd, in a container of the local Docker Engine. */
export interface DisposableServer extends Identity {
  name: string
  /** Port on 127.0.0.1 that leads to sshd. This and the next two survive a reboot; the container's address need not. */
  sshPort: number
  /** Ports with the same number inside and on 127.0.0.1, for `ports:` of stack.yaml: so the site has one address. */
  httpPort: number
  httpsPort: number
  /** What `--host` takes, together with the sshConfig of an identity. */
  host(user?: string): string
  /** Makes one more key, which no account accepts yet. */
  identity(name: string): Promise<Identity>
  /** Runs a script by `bash -s` over ssh. A failing script is an answer, not an exception. */
  ssh(user: string, script: string, options?: RunOptions): Promise<Result>
  /** The same as root by `docker exec`, past sshd. */
  exec(script: string, options?: RunOptions): Promise<Result>
  /** Restarts the server from inside and waits until it has booted again. */
  reboot(): Promise<void>
  /** The same after its power was cut. */
  cutPower(): Promise<void>
  /** Ends it at once, as when its machine is lost. It stays down until `comeBack`. */
  lose(): Promise<void>
  comeBack(): Promise<void>
  /** Leaves nothing behind: container, Docker's volume, keys. */
  remove(): Promise<void>
}

export interface RunOptions {
  /** Another identity's than the server's own. */
  sshConfig?: string
  /** Seconds. */
  deadline?: number
}

export interface Result {
  /** Null when the deadline passed. */
  exitCode: number | null
  stdout: string
  stderr: string
}

/** Seconds. */
const DEADLINE = 300

// What keeps these from reaching the machine stands in image/entrypoint.sh. More is not needed and would leak:
// --privileged, the machine's cgroups, CAP_SYS_TIME (its clock).
const capabilities = [
  ...['SYS_ADMIN', 'NET_ADMIN', 'SYS_PTRACE', 'SYS_NICE', 'SYS_BOOT'],
  ...['DAC_READ_SEARCH', 'LINUX_IMMUTABLE', 'IPC_LOCK', 'AUDIT_CONTROL'],
]
const privileges = [
  ...capabilities.map((capability) => `--cap-add=${capability}`),
  ...['seccomp', 'apparmor', 'systempaths'].map((filter) => `--security-opt=${filter}=unconfined`),
  '--device-cgroup-rule=a *:* rwm',
  '--cgroupns=private',
  '--tmpfs=/run:exec',
  '--tmpfs=/run/lock',
]

/**
 * Starts a server and waits until it has booted. The caller removes the server.
 * @param stage what is installed on it: `bare`, or `prepared` with all packages of 01-server, which saves half a minute
 * @param at    a network of Docker's and the server's address there, for servers that reach each other; without it, the
 *              default network
 * @throws with the last log lines of the server, when it does not boot; nothing is left then
 */
export async function startServer(
  suite: Suite,
  stage: Stage,
  at?: { network: string; address: string },
): Promise<DisposableServer> {
  const image = await serverImage(suite, stage)
  const server = await newServer(`prusa-test-${randomBytes(3).toString('hex')}`)
  try {
    await explained(server, `starting from ${image}`, async () => {
      await run(server, image, at ? [`--network=${at.network}`, `--ip=${at.address}`] : [])
      await booted(server)
    })
    return server
  } catch (error) {
    await server.remove()
    throw error
  }
}

/** Copies images from this machine's Docker Engine into the server's. */
export async function loadImages(server: DisposableServer, images: string[]): Promise<void> {
  const run = $({ quiet: true, timeout: DEADLINE * 1000 })
  await run`docker save ${images} | docker exec -i ${server.name} docker load`
}

async function newServer(name: string): Promise<DisposableServer> {
  const folder = await mkdtemp(join(tmpdir(), `${name}-`))
  const [sshPort, httpPort, httpsPort] = await Promise.all([freePort(), freePort(), freePort()])
  const own = await makeIdentity(folder, name)
  const host = (user = 'root') => `ssh://${user}@127.0.0.1:${sshPort}`

  const server: DisposableServer = {
    ...own,
    name,
    sshPort,
    httpPort,
    httpsPort,
    host,
    identity: (name) => makeIdentity(folder, name),
    ssh: (user, script, { sshConfig = own.sshConfig, deadline } = {}) =>
      shell(['ssh', '-F', sshConfig, host(user), 'bash', '-s'], script, deadline),
    exec: (script, { deadline } = {}) =>
      shell(['docker', 'exec', '-i', name, 'bash', '-s'], script, deadline),
    reboot: () => restarts(server, 'rebooting', () => server.exec('systemctl reboot')),
    cutPower: () => restarts(server, 'without power', () => kill(server)),
    async lose() {
      await docker(['kill', name])
    },
    comeBack: () =>
      explained(server, 'coming back', async () => {
        await docker(['start', name])
        await booted(server)
      }),
    async remove() {
      await docker(['rm', '--force', '--volumes', name]).nothrow()
      await docker(['volume', 'rm', '--force', `${name}-docker`])
      await rm(folder, { recursive: true, force: true })
    },
  }
  return server
}

async function run(server: DisposableServer, image: string, network: string[]): Promise<void> {
  const publish = (port: number, inside: number) => `--publish=127.0.0.1:${port}:${inside}`
  await docker([
    'run',
    '--detach',
    '--pull=never',
    `--name=${server.name}`,
    `--hostname=${server.name}`,
    '--restart=unless-stopped', // this is what makes `systemctl reboot` a reboot
    `--volume=${server.name}-docker:/var/lib/docker`,
    publish(server.sshPort, 22),
    publish(server.httpPort, server.httpPort),
    publish(server.httpsPort, server.httpsPort),
    ...network,
    ...privileges,
    image,
  ])
  await must(server.exec(`echo '${server.publicKey}' > /root/.ssh/authorized_keys`))
}

async function restarts(server: DisposableServer, how: string, begin: () => Promise<unknown>): Promise<void> {
  await explained(server, how, async () => {
    const before = await startedAt(server)
    await begin()
    await until('it has gone down and up', async () => (await startedAt(server)) !== before)
    await booted(server)
  })
}

/** Kills all its processes at once. */
async function kill(server: DisposableServer): Promise<void> {
  const { stdout } = await docker(['inspect', '--format', '{{.State.Pid}}', server.name])
  process.kill(Number(stdout) || Number.NaN, 'SIGKILL')
}

async function startedAt(server: DisposableServer): Promise<string> {
  return (await docker(['inspect', '--format', '{{.State.StartedAt}}', server.name])).stdout
}

/** Waits until ssh answers and systemd has started everything; throws when a unit failed. */
async function booted(server: DisposableServer): Promise<void> {
  await until('ssh answers', async () => {
    return (await server.ssh('root', 'true', { deadline: 10 })).exitCode === 0
  })
  const state = await server.exec('systemctl is-system-running --wait')
  if (state.stdout.trim() === 'running') return
  const failed = await server.exec('systemctl status --state=failed --full --no-pager; systemctl list-jobs')
  throw new Error(`systemd is ${state.stdout.trim() || 'silent'}, not running:\n${failed.stdout}`)
}

/** Adds to an error what it happened to and what the server logged last. */
async function explained(server: DisposableServer, what: string, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new Error(`${server.name}, ${what}: ${reason}\n${await lastLogLines(server)}`, { cause: error })
  }
}

async function lastLogLines(server: DisposableServer): Promise<string> {
  const journal = await server.exec('journalctl --no-pager --lines 30', { deadline: 10 })
  const output = await docker(['logs', '--tail', '30', server.name]).nothrow()
  return journal.stdout + output.stdout + output.stderr
}

function docker(args: string[]) {
  return $({ quiet: true, timeout: DEADLINE * 1000 })`docker ${args}`
}

async function shell(command: string[], script: string, deadline = DEADLINE): Promise<Result> {
  // docker exits with 0 when SIGTERM ends it: a deadline would look like success.
  const options = { timeout: deadline * 1000, timeoutSignal: 'SIGKILL' } as const
  const running = $({ quiet: true, nothrow: true, input: script, ...options })`${command}`
  // A command that ends before it has read its script (ssh to a server that is down) says so by its exit code.
  running.stdin.on('error', () => {})
  const { exitCode, stdout, stderr } = await running
  return { exitCode, stdout, stderr: exitCode === null ? `${stderr}\nno end within ${deadline} s` : stderr }
}

async function must(running: Promise<Result>): Promise<void> {
  const { exitCode, stdout, stderr } = await running
  if (exitCode !== 0) throw new Error(stdout + stderr)
}
