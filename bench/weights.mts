/** How the kernel divides the processor between containers and other processes. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'

/** The cgroup of all containers on a machine without systemd, by version of cgroups, and the share of one container. */
const GROUPS = [
  { file: '/sys/fs/cgroup/cpu/docker/cpu.shares', each: 1024 },
  { file: '/sys/fs/cgroup/docker/cpu.weight', each: 100 },
]

/**
 * Does the work while each container has the same share as a process outside, as on a machine with systemd. Without
 * systemd, all containers together have the share of one process.
 */
export async function asPeers<T>(containers: number, work: () => Promise<T>): Promise<T> {
  const group = GROUPS.find(({ file }) => existsSync(file))
  if (!group) return await work()
  const before = readFileSync(group.file, 'utf8')
  writeFileSync(group.file, String(group.each * containers))
  try {
    return await work()
  } finally {
    writeFileSync(group.file, before)
  }
}
