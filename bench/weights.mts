/** How the kernel shares the processor out between the containers and everything else on the machine. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'

/** The group of all containers where systemd does not run, by version of cgroups, and one container's due there. */
const GROUPS = [
  { file: '/sys/fs/cgroup/cpu/docker/cpu.shares', each: 1024 },
  { file: '/sys/fs/cgroup/docker/cpu.weight', each: 100 },
]

/**
 * Does the work while each container counts as much as a process outside does, as it is where systemd runs: there every
 * container is a peer of the engine. Without systemd they all count as one process together.
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
