/** The lock, between processes on this machine: which one waits, which one is refused, and which one has lost it. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { after, describe, test } from 'node:test'
import { ROOT, stackSchema } from '../../scripts/lib/config/config.mts'
import { defaults } from '../../scripts/lib/config/schema.mts'
import { LockLost } from '../../scripts/lib/host/fence.mts'
import { heldFunction } from '../../scripts/lib/host/held.mts'
import { Host } from '../../scripts/lib/host/host.mts'
import { withLock } from '../../scripts/lib/host/lock.mts'
import { bash, join } from '../../scripts/lib/host/shell.mts'
import { told } from '../lib/refusal.mts'
import { until } from '../lib/until.mts'
import { LOADER } from '../lib/zx.mts'

const home = mkdtempSync(path.join(tmpdir(), 'prusa-test-'))
after(() => rmSync(home, { recursive: true, force: true }))

/** The configuration of another deployment. */
function stackAt(name: string) {
  return { ...defaults(stackSchema), project: 'prusatestlock', folder: path.join(home, name) }
}
type Stack = ReturnType<typeof stackAt>

const failure = (work: Promise<unknown>) =>
  work.then(
    () => assert.fail('did not fail'),
    (error) => error,
  )

/** A process that holds the lock during some work. The work can use `host` and `bash`. */
function operator(stack: Stack, work: string, silence = 20) {
  const program = `import { Host } from './scripts/lib/host/host.mts'
import { withLock } from './scripts/lib/host/lock.mts'
import { bash } from './scripts/lib/host/shell.mts'
const host = new Host('local')
await withLock(host, ${JSON.stringify(stack)}, 'a trial', async () => { ${work} }, ${silence}).catch(console.error)`
  const argv = [LOADER, '--input-type=module', '--eval', program]
  const child = spawn(process.execPath, argv, { cwd: ROOT, stdio: ['pipe', 'pipe', 'pipe'] })
  let text = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data) => {
      text += data
    })
  return {
    ended: new Promise<string>((resolve) => child.once('close', () => resolve(text))),
    said: (word: string) => until(`the operator says ${word}`, () => text.includes(word)),
    send: (signal: NodeJS.Signals) => child.kill(signal),
    /** Ends its standard input, for which the work may wait. */
    goOn: () => child.stdin.end(),
  }
}
const UNTIL_TOLD = `await new Promise((resolve) => process.stdin.once('end', resolve).resume());`

describe('the lock', { concurrency: 3 }, () => {
  test('has one holder at a time: another run is refused, changes nothing, and reads who holds the lock, since when and for what', async () => {
    const stack = stackAt('two')
    const first = operator(stack, `console.log('holds'); ${UNTIL_TOLD}`)
    await first.said('holds')
    const files = () =>
      readdirSync(stack.folder).map((name) => readFileSync(path.join(stack.folder, name), 'utf8'))
    const before = files()
    let worked = false
    const refused = await failure(
      withLock(new Host('local'), stack, 'mine', async () => {
        worked = true
      }),
    )
    assert.match(
      told(refused),
      /✗ Another run is under way: \S+@\S+ since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ for a trial\n {2}State: nothing was changed\.\n {2}Next: {2}Wait until it has ended/,
    )
    assert.equal(worked, false)
    assert.deepEqual(files(), before)
    first.goOn()
    assert.equal(await first.ended, 'holds\n')
  })

  test('is the same for work within work, and is free when the work has ended or failed', async () => {
    const [stack, host] = [stackAt('nested'), new Host('local')]
    const within = () => withLock(host, stack, 'inner', async () => host.run('Asking', bash`echo there`))
    assert.equal(await withLock(host, stack, 'outer', within), 'there\n')
    assert.match(
      String(await failure(withLock(host, stack, 'outer', () => Promise.reject(new Error('no'))))),
      /no/,
    )
    assert.equal(await withLock(new Host('local'), stack, 'next', async () => 'free'), 'free')
  })

  test('is seen by those who look, who do not take each other for a run', async () => {
    const [stack, host] = [stackAt('seen'), new Host('local')]
    // Somebody else looks for as long as this script runs.
    const looks = bash`(
      exec 9>>${`${stack.folder}/lock`}
      $other
      if held; then echo held; else echo free; fi
    )`
    const seen = (other: string) =>
      host.run('Looking', join([bash`other=${other}`, heldFunction(stack), looks]))
    await host.run('Making the folder', bash`mkdir -p ${stack.folder}`)
    assert.equal(await seen('true'), 'free\n')
    await withLock(host, stack, 'a trial', async () => assert.equal(await seen('true'), 'held\n'))
    assert.equal(await seen('flock --shared 9'), 'free\n')
  })

  test('is free when its holder is killed, and the next holder waits for the step that is still under way', async () => {
    const stack = stackAt('killed')
    const [begun, go, done] = ['begun', 'go', 'done'].map((name) => path.join(home, name)) as [
      string,
      string,
      string,
    ]
    const first = operator(
      stack,
      `await host.run('A step', bash\`touch ${begun}; until [ -e ${go} ]; do sleep 0.05; done; touch ${done}\`)`,
    )
    await until('the step has begun', () => existsSync(begun))
    first.send('SIGKILL')
    await first.ended
    // A run that is killed while it waits does not keep another one waiting.
    const gone = operator(stack, '')
    await gone.said('still under way')
    gone.send('SIGKILL')
    const second = operator(stack, `console.log('holds, done: ' + (await host.run('', bash\`ls ${done}\`)))`)
    await second.said('still under way')
    await new Host('local').run('Ending the step', bash`touch ${go}`)
    const text = await second.ended
    assert.match(text, /! A step of an interrupted run \(\S+@\S+ since \S+ for a trial\) is still under way/)
    assert.match(text, /holds, done: \S+done/)
  })

  for (const other of [true, false])
    test(`is lost by a holder that is stopped, ${other ? 'and another run works meanwhile' : 'also when no other run wants it'}`, async () => {
      const stack = stackAt(`slept-${other}`)
      const mine = path.join(home, `slept-${other}.txt`)
      const first = operator(
        stack,
        `await host.run('', bash\`echo first >${mine}\`); console.log('holds'); ${UNTIL_TOLD}
        await host.run('', bash\`echo again >${mine}\`); console.log('went on')`,
        1,
      )
      await first.said('holds')
      first.send('SIGSTOP')
      await until('the lock is lost', () => !existsSync(path.join(stack.folder, 'lock.token')))
      const second = operator(
        stack,
        `await host.run('', bash\`echo second >${mine}\`); console.log('holds'); ${UNTIL_TOLD}`,
      )
      if (other) await second.said('holds')
      else second.send('SIGKILL')
      second.goOn()
      await second.ended
      first.send('SIGCONT')
      first.goOn()
      const text = await first.ended
      assert.match(
        text,
        other
          ? /✗ This run has lost its lock to \S+@\S+ since \S+ for a trial: /
          : /✗ This run has lost its lock: /,
      )
      assert.match(text, /State: this run has changed nothing since then/)
      assert.match(text, /Next: {2}.*same command again/)
      assert.doesNotMatch(text, /went on/)
      assert.equal(readFileSync(mine, 'utf8'), other ? 'second\n' : 'first\n')
    })

  test('protects a folder, too: a run that has lost it copies nothing', async () => {
    const [stack, host] = [stackAt('copy'), new Host('local')]
    const to = path.join(stack.folder, 'copied')
    const lost = await failure(
      withLock(host, stack, 'copying', async () => {
        await host.run('Taking the lock away', bash`echo other >${stack.folder}/lock.token`)
        await host.copyFolder(path.join(ROOT, 'sql'), [], to)
      }),
    )
    assert.ok(lost instanceof LockLost, String(lost))
    assert.equal(existsSync(to), false)
  })

  test('is not held by a process that a script leaves running', { timeout: 60_000 }, async () => {
    const [stack, host] = [stackAt('daemon'), new Host('local')]
    const daemon = await withLock(host, stack, 'starting', async () =>
      (await host.run('Starting', bash`setsid sleep 600 >/dev/null 2>&1 & echo $!`)).trim(),
    )
    try {
      await withLock(host, stack, 'the next one', async () => {})
    } finally {
      process.kill(Number(daemon))
    }
  })
})
