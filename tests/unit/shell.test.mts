/** The `bash` tag with a real bash: every value arrives unchanged, and no part of it is run. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, test } from 'node:test'
import { format, inspect } from 'node:util'
import { bash, join, Script, Secret } from '../../scripts/lib/host/shell.mts'
import { seeded } from '../lib/random.mts'

/** Standard output of a script that bash read from its standard input. */
function run(script: Script): string {
  const { stdout, stderr, status } = spawnSync('bash', ['-s'], {
    input: `set -euo pipefail\n${script.text}\n`,
    encoding: 'utf8',
  })
  assert.equal(status, 0, `${stderr}\n${script.text}`)
  return stdout
}

/** The words that a command of the script received. */
const received = (script: Script) => run(script).split('\0').slice(0, -1)

const NASTY = [
  '',
  ' ',
  'plain',
  "it's",
  '"double"',
  "'",
  "''",
  '\\',
  'ends in \\',
  "\\'",
  '$(touch /tmp/pwned)',
  '`touch /tmp/pwned`',
  '${HOME}',
  '$HOME',
  '!history',
  'a\nb',
  '\n',
  'trailing\n\n',
  'tab\there',
  '\r\n',
  '\v\f\b\x07\x1b[31m',
  '\x01\x7f',
  '-rf',
  '--',
  '--help',
  '~',
  '~root',
  '*',
  '/etc/*',
  '{a,b}',
  '[a-z]',
  'a;b|c&d>e<f',
  '# no comment',
  'a=b',
  '%s%n',
  '\\n\\t\\x41',
  'příliš žluťoučký kůň',
  '日本語',
  '🦑',
  'EOF',
]

describe('a value becomes one word', () => {
  for (const value of NASTY)
    test(JSON.stringify(value), () => {
      assert.deepEqual(received(bash`printf '%s\0' ${value} after`), [value, 'after'])
    })
})

test('so do a few hundred random values', () => {
  const random = seeded(20_240_501)
  const letters = [...'\'"\\$`!(){}[]<>|&;*?~#=-+%@:,. \t\n\r\x01\x1b\x7fabzAZ09éů漢🦑']
  const word = () => Array.from({ length: random(24) }, () => letters[random(letters.length)]).join('')
  const words = Array.from({ length: 400 }, word)
  assert.deepEqual(received(bash`printf '%s\0' ${words}`), words)
  assert.deepEqual(received(join(words.map((one) => bash`printf '%s\0' ${one}`))), words)
})

test('a value is one word also in a loop, in an assignment and as a here-string', () => {
  const value = `a b  "c" $HOME 'd'\n*`
  assert.equal(run(bash`x=${value}; printf %s "$x"`), value)
  assert.equal(run(bash`for x in ${value}; do printf %s "$x"; done`), value)
  assert.equal(run(bash`cat <<<${value}`), `${value}\n`)
  assert.equal(run(bash`case ${value} in ${value}) echo same;; esac`), 'same\n')
  assert.equal(run(bash`printf %s ${value}/tail`), `${value}/tail`)
})

test('a list becomes a word for each item; numbers and booleans become words', () => {
  assert.deepEqual(received(bash`printf '%s\0' ${['a b', "it's", '', 3]}`), ['a b', "it's", '', '3'])
  assert.deepEqual(received(bash`set -- ${[]}; printf '%s\0' $#`), ['0'])
  assert.deepEqual(received(bash`printf '%s\0' ${42} ${-1} ${true} ${false}`), ['42', '-1', 'true', 'false'])
})

test('a script in a template is not quoted', () => {
  assert.equal(run(bash`${bash`x=${'a b'}`}; printf %s "$x"`), 'a b')
  assert.equal(run(join([new Script('x=1'), bash`echo $x`])), '1\n')
})

test('backslashes have their meaning in bash; an escaped ${ or ` stays for bash', () => {
  assert.equal(bash`a\tb '\n' \\ $x $(y) \${z:-} \`w\``.text, "a\\tb '\\n' \\\\ $x $(y) ${z:-} `w`")
  assert.equal(run(bash`x=ab; printf '%s\t%s' "\${x#a}" \`echo c\``), 'b\tc')
})

describe('a secret', () => {
  const value = 'hunter2 "quoted" \'too\''
  const secret = new Secret(value)

  test('reaches the script', () => {
    assert.deepEqual(received(bash`printf '%s\0' ${secret}`), [value])
    assert.equal(secret.reveal(), value)
  })

  test('is [redacted] as text', () => {
    assert.equal(String(secret), '[redacted]')
    assert.equal(`${secret}`, '[redacted]')
    assert.equal(`${['a', secret]}`, 'a,[redacted]')
    assert.equal(JSON.stringify({ secret }), '{"secret":"[redacted]"}')
    assert.equal(format('%s %j', secret, secret), '[redacted] "[redacted]"')
    assert.equal(`${new Error(`password ${secret}`).message}`, 'password [redacted]')
  })

  test('is not shown by console.log', () => {
    const shown = [
      format(secret),
      format('%o %O', secret, { secret }),
      inspect(secret, { showHidden: true, depth: null, getters: true }),
      inspect({ deep: [{ secret }] }, { depth: null }),
      inspect(Object.assign(new Error('failed'), { secret })),
      JSON.stringify(structuredClone({ ...secret })),
    ]
    for (const text of shown) assert.doesNotMatch(text, /hunter2/)
  })
})
