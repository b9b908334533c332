/** The frame around a script's output: a real bash, started by a login that prints to the same streams. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { framed, linesOf, OPENING, unframed } from '../../scripts/lib/host/frame.mts'
import { bash } from '../../scripts/lib/host/shell.mts'

const LOGIN =
  'umask 077; printf Welcome; printf Last >&2; bash -p -s; code=$?; echo Bye; echo Bye >&2; exit $code'

function behindLogin(input: string, env: NodeJS.ProcessEnv = process.env) {
  const { status, stdout, stderr } = spawnSync('sh', ['-c', LOGIN], {
    input: OPENING + input,
    env,
    encoding: 'utf8',
  })
  return { status, stdout, out: unframed(stdout), err: unframed(stderr) }
}

test('what the login prints before and after the script is left out, on both streams, with and without a last newline', () => {
  const { out, err } = behindLogin(framed(bash`echo one; printf two; echo three >&2; exit 7`))
  assert.deepEqual(out, { began: true, code: 7, text: 'one\ntwo', lines: ['one', 'two'] })
  assert.equal(err.text, 'three\n')
})

test('a script that prints nothing has empty output, and differs from a script that never began', () => {
  assert.deepEqual(behindLogin(framed(bash`true`)).out, { began: true, code: 0, text: '', lines: [] })
  assert.deepEqual(unframed('This account is not available\n'), {
    began: false,
    code: undefined,
    text: '',
    lines: [],
  })
})

test('of a script that still runs, the complete lines are known', () => {
  const { stdout } = behindLogin(framed(bash`printf 'one\ntwo'`))
  const { code, lines } = unframed(stdout.slice(0, stdout.indexOf('two') + 3))
  assert.deepEqual([code, lines], [undefined, ['one']])
})

test('linesOf reads a session line by line', async () => {
  const { stdout } = behindLogin(framed(bash`echo one; echo; printf two`))
  const lines = []
  for await (const line of linesOf(Readable.from([stdout.slice(0, 30), stdout.slice(30)]))) lines.push(line)
  assert.deepEqual(lines, ['one', '', 'two'])
})

test('what follows the script is its input, when it takes any', () => {
  assert.equal(behindLogin(`${framed(bash`cat`, 'last')}rest`).out.text, 'rest')
  assert.equal(behindLogin(`${framed(bash`cat`)}echo rest\n`).out.text, '')
})

test('of the environment, a script sees the home and the proxies only', () => {
  const env = {
    ...{ HOME: '/root', PATH: '/bin', HTTP_PROXY: 'http://proxy', no_proxy: '*' },
    ...{ DOCKER_HOST: 'tcp://x', DOCKER_CONTEXT: 'x', COMPOSE_FILE: 'x', HTTP_PORT: '1' },
    ...{ LANG: 'cs_CZ.UTF-8', LC_NUMERIC: 'cs_CZ.UTF-8', TZ: 'Asia/Tokyo', TMPDIR: '/nowhere' },
    ...{ BASH_ENV: '/etc/hostname', 'BASH_FUNC_id%%': '() { echo nobody; }' },
  }
  const { out } = behindLogin(
    framed(bash`id -u; umask; export -p | sed 's/declare -x //' | grep -vE '^(OLDPWD|PWD|SHLVL)'`),
    env,
  )
  assert.deepEqual(out.lines, [
    '0',
    '0022',
    'DOCKER_CONTEXT="default"',
    'HOME="/root"',
    'HTTP_PROXY="http://proxy"',
    'LC_ALL="C.UTF-8"',
    'PATH="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin"',
    'TZ="UTC"',
    'no_proxy="*"',
  ])
})
