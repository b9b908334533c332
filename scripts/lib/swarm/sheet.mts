/** The task sheet for several hosts: what is said of a server or of the site holds for each of them. */
import { list } from '../cli/say.mts'
import type { Entry } from '../proof/history.mts'
import { database, server } from '../verify/server-lines.mts'
import { balancer, redeploy } from '../verify/site-lines.mts'
import { type Line, line, type Seen, type Verdict } from '../verify/verdict.mts'
import { serving, type Task, type View } from './view.mts'

/** @param all of each host, the one with the data first */
export function judgeHosts(all: readonly Seen[], view: View, rollout?: Entry): Verdict[] {
  const tasks = serving(view)
  const replicas = tasks.map(({ name, release }) => ({ name, release, redis: '' }))
  const facts = all.map(({ host, inside, ...rest }) => ({ host, inside: { ...inside, replicas }, ...rest }))
  const chapters: [string, Line[]][] = [
    ...facts.map((one): [string, Line[]] => [`Prepare the server ${one.host}`, server(one)]),
    ['Dockerize the application', containers(all, tasks)],
    ['Database', facts.slice(0, 1).flatMap(database)],
    ...facts.map((one): [string, Line[]] => [`Load balancing and SSL at ${one.host}`, balancer(one)]),
    ['Redeploy script', redeploy({ ...(facts[0] as (typeof facts)[0]), rollout })],
  ]
  return chapters.flatMap(([chapter, lines]) => lines.map((one) => ({ chapter, ...one })))
}

function containers(all: readonly Seen[], tasks: Task[]): Line[] {
  const releases = [...new Set(tasks.map(({ release }) => release))]
  const silent = all.filter(({ outside }) => outside.status.body !== 'OK')
  const redis =
    all[0]?.inside.containers.filter(({ service, running }) => service === 'redis' && running) ?? []
  // Swarm calls a container PROJECT_app.3.ID.
  const asked = all.flatMap(({ inside }) =>
    inside.replicas.map(({ name, redis: pong }) => [/app\.\d+/.exec(name)?.[0] ?? name, pong]),
  )
  const others = all.flatMap(({ inside }) => inside.containers)
  const wrong = others.filter(({ restartPolicy }) => restartPolicy !== 'unless-stopped')
  return [
    line(
      'The application runs from a Docker image',
      releases.length === 1 && silent.length === 0,
      `release ${list(releases) || 'none'}`,
      `/status answers OK at ${all.length - silent.length} of ${all.length} hosts`,
    ),
    line(
      '2 containers with the application',
      tasks.length >= 2,
      list(tasks.map(({ name, on }) => `${name} on ${on}`)) || 'none runs',
    ),
    line(
      'A Redis container, connected to the application’s',
      redis.length === 1 && asked.length > 0 && asked.every(([, pong]) => pong === '+PONG'),
      `${redis.length} running on ${all[0]?.host}`,
      ...asked.map(([name, pong]) => `PING from ${name}: ${pong || 'no answer'}`),
    ),
    line(
      'Containers restart by themselves unless stopped',
      wrong.length === 0,
      `unless-stopped: ${others.length - wrong.length} of ${others.length}; Swarm keeps the replicas running`,
    ),
  ]
}
