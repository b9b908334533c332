/** What the services log. */
import assert from 'node:assert/strict'
import process from 'node:process'
import { before, describe, test } from 'node:test'
import { type Deployment, docker } from '../../lib/deployment.mts'
import { onTerminal } from '../../lib/terminal.mts'
import { argv } from '../../lib/typed.mts'
import { until } from '../../lib/until.mts'

export function logs(deployment: () => Deployment): void {
  describe('logs', () => {
    let site: Deployment
    before(() => {
      site = deployment()
    })

    test('logs: requests as one line each, without the balancer’s questions; one service, a word, as JSON', async () => {
      const [release = ''] = await site.releases()
      await site.get('/palindrom/abba?x=1')
      await until('the request is in the logs', async () => {
        const line = `200 GET /palindrom/abba\\?x=1 \\d+\\.\\d+ s ${site.project}-app-\\d ${release}`
        return new RegExp(`\\d\\d:\\d\\d:\\d\\d\\.\\d{3} lb +${line}`).test(await site.must('logs'))
      })
      const all = await site.must('logs')
      for (const service of ['app-1', 'app-2', 'balancer', 'db', 'redis', 'lb'])
        assert.match(all, new RegExp(`^\\S+ \\S+ ${service} `, 'm'))
      assert.doesNotMatch(all, /GET \/status/)
      assert.deepEqual(
        [...all.matchAll(/^\S+ \S+/gm)].map(String).sort(),
        [...all.matchAll(/^\S+ \S+/gm)].map(String),
      )
      const found = await site.must('logs', 'app', '--grep', 'get /palindrom/abba', '--since', '5m')
      assert.match(found, /^\S+ \S+ app-\d .*GET \/palindrom\/abba 200/)
      assert.equal(found.trim().split('\n').length, 1)
      const [line = ''] = (await site.must('logs', 'lb', '--grep', 'abba', '--json')).split('\n')
      assert.deepEqual([JSON.parse(line).status, JSON.parse(line).container], [200, 'lb'])
    })

    test('logs on a terminal: each service in a colour of its own', async () => {
      const { text } = await onTerminal(argv(site, 'logs'), [])
      const colours = new Map(
        [...text.matchAll(/^.\[(\d+)m\S+ \S+ (app|lb|db|redis)\b/gm)].map(([, colour, service]) => [
          service,
          colour,
        ]),
      )
      assert.equal(colours.size, 4, text)
      assert.equal(new Set(colours.values()).size, 4)
    })

    test('logs --follow goes on until Ctrl-C, with replicas that come', async () => {
      const running = site.begin('logs', 'app', 'lb', '--follow')
      let text = ''
      running.stdout.on('data', (data) => {
        text += data
      })
      await until('it follows', async () => {
        await site.get('/palindrom/level')
        return /GET \/palindrom\/level 200[\s\S]*200 GET \/palindrom\/level/.test(text)
      })
      const [replica = ''] = await site.containers('app')
      await docker`docker restart ${replica}`
      await until('it tells of the restart, and of the new lines', () =>
        /ended with exit code[\s\S]*— started[\s\S]*listening on/.test(text),
      )
      process.kill(-(running.pid as number), 'SIGINT')
      assert.equal((await running).exitCode, 130)
      assert.doesNotMatch(text, /Interrupted|GET \/status/)
      await until('nobody follows on the server any more', async () => {
        const { stdout } = await docker({ nothrow: true })`pgrep -f ${`[d]ocker logs .*${site.project}`}`
        return stdout.trim() === ''
      })
    })
  })
}
