/** The line that a terminal shows while a step runs, and the reports of a build for it. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import process from 'node:process'
import { test } from 'node:test'
import { lineOf } from '../../scripts/lib/cli/live.mts'
import { ROOT } from '../../scripts/lib/config/config.mts'
import { buildProgress } from '../../scripts/lib/images/progress.mts'
import { onTerminal } from '../lib/terminal.mts'

test('the line has the title, the seconds and the last report, cut to the width of the terminal', () => {
  assert.equal(lineOf('Application', 12_900, '', 80), '  Application … 12 s')
  assert.equal(lineOf('Application', 0, 'a\u001b[31m b\r\n c ', 80), '  Application … 0 s: a b c')
  const cut = lineOf('Application', 1000, 'x'.repeat(100), 40)
  assert.deepEqual([[...cut].length, cut.at(-1)], [39, '…'])
})

test('a build reports its step, and the last output of the step', () => {
  const told: string[] = []
  const hear = buildProgress((now) => told.push(now))
  for (const line of [
    '#1 [internal] load build definition from app.Dockerfile',
    '#7 [build 1/5] FROM prusa/python:3.13',
    '#9 [build 5/5] RUN --mount=type=secret,id=ca,target=/run/secrets/ca     pip install -r requirements.txt',
    '#8 [stage-1 2/4] COPY --from=build /opt/venv /opt/venv',
    '#9 1.234 Collecting flask==3.0.3',
    '#9 1.300 ',
    '#9 DONE 2.0s',
    '#12 exporting to image',
  ])
    hear(line)
  assert.deepEqual(told, [
    'build 1/5 FROM prusa/python:3.13',
    'build 5/5 RUN pip install -r requirements.txt',
    'stage-1 2/4 COPY /opt/venv /opt/venv',
    'build 5/5 Collecting flask==3.0.3',
  ])
})

/** The command that runs these lines of a script. */
const running = (lines: string) => [
  process.execPath,
  '--import',
  'tsx',
  '--input-type=module',
  '--eval',
  `import { step, warn } from ${JSON.stringify(path.join(ROOT, 'scripts/lib/cli/say.mts'))}
import { setTimeout as sleep } from 'node:timers/promises'
${lines}`,
]

test('on a terminal a step shows what it is doing, and leaves one line', async () => {
  const { exitCode, text } = await onTerminal(
    running(`await step('Application', async (doing) => {
      doing('build 3/5')
      await sleep(600)
      warn('careful')
      return 'built'
    })`),
    [],
  )
  assert.equal(exitCode, 0, text)
  assert.match(text, / {2}Application … 0 s: build 3\/5/)
  // Each output empties the line first.
  const lines = text.split('\n').map((line) => line.split('\u001b[K').at(-1))
  assert.match(lines[0] ?? '', /!\S* careful$/)
  assert.match(lines[1] ?? '', /Application: built \(0\.\d s\)/)
})

test('a step that Ctrl-C interrupts says so', async () => {
  const [node = '', ...words] = running(
    `await step('Application', async () => { console.log('begun'); await sleep(60_000); return '' })`,
  )
  const child = spawn(node, words, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  child.stderr.on('data', (data) => {
    said += data
  })
  await once(child.stdout, 'data')
  child.kill('SIGINT')
  const [code] = await once(child, 'close')
  assert.match(said, /^✗ Application: interrupted \(\d+\.\d s\)\n$/)
  assert.equal(code, 130)
})
