/** Watches the arguments of every program that is started on this machine: the kernel tells of each. It goes before everything else. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Readable } from 'node:stream'

// The kernel's proc connector (linux/cn_proc.h) tells the process of each exec; its arguments are read at once. Where there
// is none, all processes are looked at again and again.
const LOOK = `
import os, signal, socket, struct, sys
CONNECTOR, PROC, LISTEN, EXEC = 11, 1, 1, 2
def listen():
    kernel = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, CONNECTOR)
    kernel.setsockopt(socket.SOL_SOCKET, 33, 16 << 20) # SO_RCVBUFFORCE
    kernel.bind((os.getpid(), PROC))
    order = struct.pack("IIIIHHI", PROC, PROC, 0, 0, 4, 0, LISTEN)
    kernel.send(struct.pack("IHHII", 16 + len(order), 3, 0, 0, os.getpid()) + order)
    kernel.settimeout(0.2)
    return kernel
def started(kernel):
    try:
        event = kernel.recv(4096)[36:]
    except socket.timeout:
        return []
    return [struct.unpack_from("I", event, 16)[0]] if struct.unpack_from("I", event)[0] == EXEC else []
try:
    kernel = listen()
    look = lambda: started(kernel)
except OSError:
    look = lambda: [pid for pid in os.listdir("/proc") if pid.isdigit()]
seen, going = set(), True
def stop(*_):
    global going
    going = False
signal.signal(signal.SIGTERM, stop)
print("watching", flush=True)
while going:
    for pid in look():
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                seen.add(file.read())
        except OSError:
            pass
with open(sys.argv[1], "wb") as file:
    file.write(b"\\n".join(seen))
`

export class ArgumentWatch {
  readonly #folder = mkdtempSync(path.join(tmpdir(), 'prusa-watch-'))
  readonly #child: ChildProcess
  private constructor() {
    this.#child = spawn('nice', ['-n', '-15', 'python3', '-c', LOOK, path.join(this.#folder, 'seen')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
  }

  static async start(): Promise<ArgumentWatch> {
    const watch = new ArgumentWatch()
    await once(watch.#child.stdout as Readable, 'data')
    return watch
  }

  /** Every command line that was seen, in one text. */
  async end(): Promise<string> {
    this.#child.kill('SIGTERM')
    await once(this.#child, 'exit')
    return readFileSync(path.join(this.#folder, 'seen'), 'utf8')
  }

  /** Ends the watch, whatever became of it. */
  stop(): void {
    this.#child.kill('SIGKILL')
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
