/** Checks that the server is fit for the deployment. One script collects facts and changes nothing. */

import { NOTHING_CHANGED, OperatorError } from '../cli/errors.mts'
import type { StackConfig } from '../config/config.mts'
import { factsIn } from '../host/facts.mts'
import type { Host } from '../host/host.mts'
import { join, remote, type Script } from '../host/shell.mts'
import { parseTaken, spaceFunction, type Taken, taken } from './space.mts'

/** Megabytes. The containers take about 400. With less memory than this, the first build fails. */
const MEMORY_MB = 700
/** Megabytes for one more release, logs and data. */
const DISK_MB = 1024
/** Megabytes for a base image, and for making it. */
const IMAGE_MB = 768
/** Megabytes for the Docker Engine and all base images, when there is no image yet. */
const FIRST_MB = 4 * 1024

/** The distributions that the scripts are tested with. */
const SUPPORTED: Record<string, string[]> = { debian: ['12', '13'], ubuntu: ['24.04'] }

export interface Facts {
  distribution: string
  version: string
  pretty: string
  memoryMb: number
  diskMb: number
  /** Where the disk is mounted, and what takes its space if little is left. */
  mount: string
  takes: Taken[]
  /** How many base images this run must make or pull; absent: all of them. */
  missing?: number
  /** The ports of the configuration that are taken: the program that listens, and whether it is of this deployment. */
  ports: { port: number; holder: string; ours: boolean }[]
}

/** The names of the base images in each mode. */
interface Needed {
  registry: string[]
  debian: string[]
}

/**
 * Checks the server.
 * @param images the base images; without them the run will make or pull all of them anew
 * @returns the system, its memory and its free disk space, in words
 * @throws OperatorError with every problem at once
 */
export async function preflight(host: Host, stack: StackConfig, images?: Needed): Promise<string> {
  const facts = parseFacts(await host.run('Looking at the server', gather(stack, images)))
  const problems = judge(facts)
  if (problems.length === 0)
    return `${facts.pretty}, ${facts.memoryMb} MB of memory, ${Math.floor(facts.diskMb / 1024)} GB free`
  throw new OperatorError(
    `${host.name} cannot take the deployment yet:\n${problems.map((problem) => `    - ${problem}`).join('\n')}`,
    'Solve these problems, then run again.',
    NOTHING_CHANGED,
  )
}

/** The problems of a server, each a sentence with its remedy. */
export function judge(facts: Facts): string[] {
  const problems: string[] = []
  if (!SUPPORTED[facts.distribution]?.includes(facts.version))
    problems.push(
      `${facts.pretty || 'An unknown system'} is not supported: use Debian 12 or 13, or Ubuntu 24.04.`,
    )
  if (facts.memoryMb < MEMORY_MB)
    problems.push(`${facts.memoryMb} MB of memory are too little: give it at least ${MEMORY_MB} MB.`)
  const disk = DISK_MB + (facts.missing === undefined ? FIRST_MB : facts.missing * IMAGE_MB)
  if (facts.diskMb < disk)
    problems.push(
      `${facts.diskMb} MB of free disk are too little: free ${disk} MB on ${facts.mount} (apt-get clean; docker image prune)${taken(facts.takes)}.`,
    )
  for (const { port, holder, ours } of facts.ports)
    if (!ours)
      problems.push(
        `Port ${port} is taken by ${holder || 'another program'}: stop it, or choose another port in config/stack.yaml.`,
      )
  return problems
}

export function parseFacts(output: string): Facts {
  const facts = factsIn(output)
  const value = (kind: string) => facts(kind)[0]?.[0] ?? ''
  return {
    distribution: value('distribution'),
    version: value('version'),
    pretty: value('pretty'),
    memoryMb: Number(value('memory')),
    diskMb: Math.floor(Number(value('disk')) / 2 ** 20),
    mount: facts('disk')[0]?.[2] ?? '/',
    takes: parseTaken(facts),
    ...(value('missing') && { missing: Number(value('missing')) }),
    ports: facts('port').map(([port, holder = '', ours]) => ({
      port: Number(port),
      holder,
      ours: ours === 'ours',
    })),
  }
}

/** The script that prints the facts. */
export function gather(stack: StackConfig, images?: Needed): Script {
  const { http, https, db } = stack.ports
  const parameters = {
    project: stack.project,
    ports: [http, https, db],
    fresh: !images,
    registry: images?.registry ?? [],
    debian: images?.debian ?? [],
  }
  return join([spaceFunction(stack.folder), remote('preflight', parameters)])
}
