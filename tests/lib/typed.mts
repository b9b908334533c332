/** Commands as people type them: with something on the standard input, on a terminal. */
import path from 'node:path'
import { type Deployment, docker } from './deployment.mts'

/** A command with something on its standard input. */
export async function fed(site: Deployment, input: string, script: string, ...flags: string[]) {
  const running = site.begin(script, ...flags)
  running.stdin.end(input)
  const { exitCode, stdout, stderr } = await running
  return { exitCode, stdout, stderr }
}

/** The words of a command, for a terminal. */
export const argv = (site: Deployment, script: string, ...flags: string[]) => [
  ...site.zx,
  `scripts/${script}.mts`,
  '--config',
  path.join(site.home, 'config'),
  ...flags,
]

/** Ids of the containers that people are in (npm run run). */
export async function oneOffs(site: Deployment): Promise<string[]> {
  const filters = [`project=${site.project}`, 'oneoff=True'].flatMap((label) => [
    '--filter',
    `label=com.docker.compose.${label}`,
  ])
  return (await docker`docker ps -aq ${filters}`).stdout.split('\n').filter(Boolean)
}
