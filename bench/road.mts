/** Measures a deployment: first run, second run, throughput, sizes, memory. */
import { Deployment, docker } from '../tests/lib/deployment.mts'
import { hop } from './hop.mts'
import { AS_TYPED, minimum, timed } from './measure.mts'
import { startSshd } from './sshd.mts'

export async function road(): Promise<string[][]> {
  const site = await Deployment.prepare()
  site.zx = AS_TYPED
  try {
    return [
      ...(await times(site)),
      ...(await looks(site)),
      ...(await hop(site)),
      ...(await sizes(site)),
      ...(await memory(site)),
    ]
  } finally {
    await site.remove()
  }
}

async function times(site: Deployment): Promise<string[][]> {
  const first = await timed(async () => {
    for (const step of ['02-build', '03-db', '04-stack']) await site.must(step)
  })
  return [
    ['first run of 02, 03, 04 (base images there, warm-up 0 s)', first],
    [
      '01-server with nothing to do (npx included, best of 5)',
      await minimum(5, () => site.must('01-server')),
    ],
    [
      'deploy with nothing to do: 01 to 04 and verify (best of 3)',
      await minimum(3, () => site.must('deploy')),
    ],
  ]
}

/** The duration of `npm run status`. */
async function looks(site: Deployment): Promise<string[][]> {
  const sshd = await startSshd()
  try {
    const local = await minimum(5, () => site.must('status'))
    site.configure({ ssh_config: sshd.sshConfig })
    const ssh = await minimum(5, () => site.must('status', '--host', sshd.host))
    return [
      ['status, local (npx included, best of 5)', local],
      ['the same over ssh', ssh],
    ]
  } finally {
    site.configure({ ssh_config: '' })
    sshd.stop()
  }
}

async function sizes(site: Deployment): Promise<string[][]> {
  const images = [`${site.project}/app`, 'prusa-debian/postgres', 'prusa-debian/redis', 'prusa-debian/nginx']
  const rows: string[][] = []
  for (const image of images) {
    const { stdout } = await docker`docker images --format ${'{{.Size}}'} ${image}`
    rows.push([`size of ${image.replace(site.project, 'prusa')}, unpacked`, stdout.split('\n')[0] ?? ''])
  }
  return rows
}

async function memory(site: Deployment): Promise<string[][]> {
  const ids = await site.ids()
  const { stdout } = await docker`docker stats --no-stream --format ${'{{.Name}}\t{{.MemUsage}}'} ${ids}`
  return stdout
    .trim()
    .split('\n')
    .map((line) => line.split('\t'))
    .map(([name = '', used = '']) => [
      `memory of ${name.replace(site.project, 'prusa')}`,
      used.split(' /')[0] ?? '',
    ])
}
