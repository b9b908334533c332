/** What status tells is compared with what was done to the stack, and the commands that it names help. */
import assert from 'node:assert/strict'
import process from 'node:process'
import { before, describe, test } from 'node:test'
import { type Deployment, docker } from '../../lib/deployment.mts'

export function status(deployment: () => Deployment): void {
  describe('status', () => {
    let site: Deployment
    before(() => {
      site = deployment()
    })

    test('each thing that is broken stands first, in red, with its command, and that command helps', async () => {
      const [replica = '', other = ''] = await site.containers('app')
      const of = (service: string) => `${site.project}-${service}-1`
      await told()
      await docker`docker stop ${replica} ${of('redis')}`
      await docker`docker pause ${of('db')}`
      assert.equal((await site.get('/redis-hits')).status, 503)
      await refused('psql', '-c', 'SELECT 1')
      const { stdout: pid } = await docker`docker inspect -f ${'{{.State.Pid}}'} ${of('lb')}`
      await docker`nsenter -t ${pid.trim()} -n iptables -w -I INPUT -p tcp --syn -j REJECT`
      await helped(
        `${replica} was stopped by hand .*; it stays stopped`,
        `${of('db')} is paused`,
        `${of('redis')} was stopped by hand`,
        'The load balancer does not answer',
      )
      assert.equal((await site.get('/redis-hits')).status, 200)

      await docker`docker kill ${of('balancer')} ${of('lb')}`
      await docker`docker rm -f ${other}`
      await refused('maintenance', 'on')
      assert.equal((await site.run('run', 'true')).exitCode, 0)
      assert.match(await site.must('logs', 'lb'), / — stopped, exit code 137\n/)
      await helped(
        `${of('balancer')} was stopped by hand`,
        `${of('lb')} was stopped by hand .* .exit code 137.`,
        `Replicas are missing: there is only \\S+, of 2`,
      )
      assert.equal((await site.containers('app')).length, 2)
      const errors = await site.must('logs', '--errors', '--since', '10m')
      assert.match(errors, /lb +503 GET \/redis-hits/)
      assert.doesNotMatch(errors, / 200 /)
    })

    /** A command that needs what does not run: it says how to start that. */
    async function refused(script: string, ...words: string[]): Promise<void> {
      const { exitCode, text } = await site.run(script, ...words)
      assert.equal(exitCode, 1, text)
      assert.match(text, /does not run on this machine: it is \w+\n.*\n {2}Next: {2}npm run restart -- \w+,/)
    }

    /** What stands first on the screen: each sentence with its command. Nothing grave with exit code 0 alone. */
    async function told(...expected: string[]): Promise<string[]> {
      const { exitCode, stdout } = await site.run('status')
      const found = [...stdout.matchAll(/^✗ (.*)\n {2}Next: (.*)\n/gm)]
      assert.equal(exitCode, expected.length > 0 ? 1 : 0, stdout)
      assert.ok(expected.length === 0 || stdout.startsWith('✗ '), stdout)
      assert.equal(found.length, expected.length, stdout)
      for (const [index, sentence] of expected.entries())
        assert.match(found[index]?.[1] ?? '', new RegExp(`^${sentence}`))
      return found.map(([, , next = '']) => next)
    }

    /** The same, and each command is typed as it is printed: then nothing is wrong any more. */
    async function helped(...expected: string[]): Promise<void> {
      for (const next of await told(...expected)) {
        const [, script = '', words = ''] = /npm run (\w+) -- ([^:]+)$/.exec(next) ?? []
        assert.ok(script, next)
        await site.must(script, ...words.split(' '))
      }
      await told()
    }

    test('status: one screen of all that runs, and as JSON', async () => {
      await site.get('/')
      const { stdout } = await site.run('status')
      const [release = ''] = await site.releases()
      assert.match(stdout, new RegExp(`release ${release}, since .* UTC by \\w+`))
      assert.match(stdout, /last rollout .* released in .*requests, 0 failed/)
      assert.match(stdout, /-app-\d+ +\w+ +up .* \d+ MB +\d+ % +yes, \d+ under way +yes/)
      assert.match(stdout, /lb +up .* requests\/s, .* p50 \d+ ms, p99 \d+ ms/)
      assert.match(stdout, /db +up .* MB, \d+ of \d+ connections/)
      assert.match(stdout, /redis +up .* \d+ keys?/)
      assert.match(stdout, /certificate self-signed, ends on \d{4}-/)
      const { replicas, database, alarms } = JSON.parse((await site.run('status', '--json')).stdout)
      assert.deepEqual([replicas.length, replicas[0].serving, alarms.length], [2, true, 0])
      assert.ok(database.bytes > 1e6)
    })

    test('status --watch prints it again and again, until Ctrl-C', async () => {
      const running = site.begin('status', '--watch')
      await site.printed(running, /(^release [\s\S]*){2}/m)
      process.kill(-(running.pid as number), 'SIGINT')
      const { exitCode, stderr } = await running
      assert.deepEqual([exitCode, stderr], [130, ''])
    })
  })
}
