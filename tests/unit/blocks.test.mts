/** How a test reads a page: every block is looked at, and what a page says that a command prints is what it prints. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Step, stepsOf } from '../lib/blocks.mts'
import { missing, missingAnywhere } from '../lib/samples.mts'

const FENCE = '```'
const steps = (text: string, more: Record<string, string> = {}): Step[] =>
  stepsOf('PAGE', (page) => (page === 'PAGE' ? text.replaceAll("'''", FENCE) : (more[page] as string)))

describe('the steps of a page', () => {
  test('commands in the order of the text, with what they print and how they are run', () => {
    const found = steps(
      `
'''sh
npm ci && npm run a
# nothing

npm run b -- \\
  --flag
'''
<!-- before: docker stop x -->
<!-- exit code: 1 -->
'''console
$ echo '# x'
# x
$ false
'''
<!-- walk: OTHER -->
<!-- on the server -->
<!-- type: yes -->
'''sh
id
'''
`,
      { OTHER: `${FENCE}sh\ntrue\n${FENCE}` },
    )
    const command = {
      kind: 'command',
      prints: undefined,
      anyOrder: false,
      exitCode: 0,
      onServer: false,
      before: '',
      typed: '',
    }
    assert.deepEqual(found, [
      { ...command, place: 'PAGE, line 2', command: 'npm ci && npm run a' },
      { ...command, place: 'PAGE, line 2', command: 'npm run b -- \\\n  --flag' },
      { ...command, place: 'PAGE, line 11', command: "echo '# x'", prints: ['# x'], before: 'docker stop x' },
      { ...command, place: 'PAGE, line 11', command: 'false', exitCode: 1 },
      { ...command, place: 'OTHER, line 1', command: 'true' },
      { ...command, place: 'PAGE, line 19', command: 'id', onServer: true, typed: 'yes' },
    ])
  })

  test('what another command printed, and settings', () => {
    assert.deepEqual(
      steps(`
<!-- output of: npm run x -->
'''text
a
'''
<!-- output of: npm run y -->
| what | where |
|---|---|
| \`b\` | \`✓ c\`<br>\`✓ d\` |

<!-- settings -->
'''yaml
hooks: {}
'''
<!-- not run: it is a drawing -->
'''
-->
'''`),
      [
        { kind: 'output', place: 'PAGE, line 3', of: 'npm run x', prints: ['a'], anyOrder: false },
        {
          kind: 'output',
          place: 'PAGE, line 7',
          of: 'npm run y',
          prints: ['✓ c', '✓ d', '…'],
          anyOrder: true,
        },
        { kind: 'settings', place: 'PAGE, line 12', yaml: 'hooks: {}' },
      ],
    )
  })

  for (const [what, text, message] of [
    [
      'a block without a mark',
      "'''bash\nnpm run x\n'''",
      /^Error: PAGE, line 1: a block that no test looks at/,
    ],
    ['a mark that is none', "<!-- notrun: x -->\n'''sh\n'''", /^Error: PAGE, line 1: “notrun” is no mark/],
    [
      'a mark above a paragraph',
      '<!-- settings -->\nText',
      /^Error: PAGE, line 2: the marks above stand above no/,
    ],
    ['a block that does not end', "'''sh\nx", /^Error: PAGE, line 1: a block without an end/],
    ['output without its command', "'''console\nx\n'''", /^Error: PAGE, line 1: .* begins with “\$ ”/],
  ] as const)
    test(`${what} is refused`, () => {
      assert.throws(() => steps(text), message)
    })
})

describe('a sample', () => {
  const OUTPUT = `
> prusa-deploy@1.0.0 redeploy
> zx scripts/redeploy.mts

redeploy on admin@203.0.113.7
✓ Base images: there (0.2 s)
✓ 1 replica of 0123456789ab started (at 12.3 s)
354 requests, 0 failed, slowest 35 ms
`
  const whole = [
    'redeploy on this machine',
    '✓ Base images: there (1.0 s)',
    '✓ 1 replica of 6996c55e2831 started (at 1.7 s)',
    '99 requests, 0 failed, slowest 7 ms',
  ]
  test('is the output but for what differs from run to run', () => {
    assert.equal(missing(whole, OUTPUT), '')
  })
  test('may leave out lines, and parts of a line', () => {
    assert.equal(missing(['…', '✓ Base images: …', '…'], OUTPUT), '')
    assert.equal(missingAnywhere(['7 requests, 0 failed…', '…', '✓ Base images…'], OUTPUT), '')
    assert.equal(missingAnywhere(whole.toReversed(), OUTPUT), '')
  })
  for (const [what, sample] of [
    ['another word', whole.with(1, '✓ Base image: there (1.0 s)')],
    ['another count', whole.with(3, '99 requests, 1 failed, slowest 7 ms')],
    ['a line that is not there', [...whole, 'done']],
    ['a line too few at the end', whole.slice(0, -1)],
    ['a line too few in the middle', whole.toSpliced(1, 1)],
    ['another order', [whole[1], whole[0], '…']],
  ] as [string, string[]][])
    test(`${what} is told`, () => {
      assert.notEqual(missing(sample, OUTPUT), '')
    })
  test('in any order, a line that is nowhere is told, and one that the page does not have', () => {
    assert.match(missingAnywhere(['…0 failed…', '…2 failed…'], OUTPUT), /^the page has: …2 failed…\n/)
    assert.match(missingAnywhere(whole.slice(1), OUTPUT), /^it has, too: redeploy on SERVER\n/)
  })
})
