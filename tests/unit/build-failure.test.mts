/** Why a build failed: output of pip 25.1 in a build's log, and the sentence about it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { failedStep, pipFailure, sentence } from '../../scripts/lib/images/build-failure.mts'
import type { Line } from '../../scripts/lib/images/requirements.mts'

const lines: Line[] = [
  { file: 'requirements.txt', number: 1, text: '-r sub/base.txt' },
  { file: 'sub/base.txt', number: 7, text: 'itsdangerous==99' },
  { file: 'requirements.txt', number: 3, text: 'flask==3.1.1' },
]

/** Output of BuildKit. */
const log = (said: string) =>
  `#10 [build 5/5] RUN pip --python /opt/venv/bin/python install -r requirements.txt
${said.replace(/^/gm, '#10 0.573 ')}
#10 ERROR: executor failed running [/bin/sh -c pip install]: exit code: 1
------
 > [build 5/5] RUN pip install:
${said.replace(/^/gm, '0.573 ')}
------
ERROR: failed to solve: executor failed running [/bin/sh -c pip install]: exit code: 1`

const cases: [what: string, said: string, told: string][] = [
  [
    'a version that does not exist',
    'ERROR: Could not find a version that satisfies the requirement itsdangerous==99 (from versions: 0.9, 1.1.0, 2.0.0, 2.0.1, 2.1.2, 2.2.0)\nERROR: No matching distribution found for itsdangerous==99',
    'app/sub/base.txt, line 7: itsdangerous==99: there is no such version; the latest are 1.1.0, 2.0.0, 2.0.1, 2.1.2, 2.2.0',
  ],
  [
    'a package that does not exist',
    'ERROR: Could not find a version that satisfies the requirement ItsDangerous==99 (from versions: none)',
    'app/sub/base.txt, line 7: itsdangerous==99: there is no package with that name for this Python',
  ],
  [
    'a dependency that does not exist',
    'Collecting itsdangerous==99 (from -r /app/sub/base.txt (line 7))\nERROR: Could not find a version that satisfies the requirement hiredis>=3; extra == "hiredis" (from flask[x]) (from versions: none)',
    'app/requirements.txt, line 3: flask==3.1.1: flask[x] needs hiredis>=3; extra == "hiredis", and there is no package with that name for this Python',
  ],
  [
    'an index that cannot be reached',
    "WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError('<pip._vendor>: Failed to establish a new connection: [Errno -3] Temporary failure in name resolution')': /simple/itsdangerous/\nERROR: Could not find a version that satisfies the requirement itsdangerous==99 (from versions: none)",
    'app/sub/base.txt, line 7: itsdangerous==99: it must be downloaded, but the server cannot reach the package index',
  ],
  [
    'a line that is not a requirement',
    "ERROR: Invalid requirement: 'foo bar': Expected end or semicolon (after name and no valid version specifier)\n    foo bar\n        ^ (from line 3 of requirements.txt)",
    'app/requirements.txt, line 3: flask==3.1.1: “foo bar” is not a requirement (expected end or semicolon (after name and no valid version specifier))',
  ],
  [
    'another hash',
    'ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE. If you have updated the package versions, please update the hashes.\n    itsdangerous==99 from https://example.com/itsdangerous-99-py3-none-any.whl (from -r sub/base.txt (line 7)):\n        Expected sha256 aa\n             Got        bb',
    'app/sub/base.txt, line 7: itsdangerous==99: the downloaded file has another hash than the line says',
  ],
  [
    'versions that conflict',
    'ERROR: Cannot install flask==3.1.1 and werkzeug<2 because these package versions have conflicting dependencies.\nERROR: ResolutionImpossible: for help visit https://pip.pypa.io/',
    'app/requirements.txt, line 3: flask==3.1.1: flask==3.1.1 and werkzeug<2 exclude each other',
  ],
  [
    'source that cannot be built',
    'Collecting flask==3.1.1 (from -r requirements.txt (line 3))\n  error: subprocess-exited-with-error\n  × Getting requirements to build wheel did not run successfully.',
    'app/requirements.txt, line 3: flask==3.1.1: it has no wheel for this Python, and its source could not be built (it may need a compiler)',
  ],
  [
    'a wheel for another Python',
    'ERROR: y-1-cp27-none-any.whl is not a supported wheel on this platform.',
    'y-1-cp27-none-any.whl is not a supported wheel on this platform',
  ],
  [
    'anything else, in pip’s own words',
    "ERROR: Could not open requirements file: [Errno 2] No such file or directory: 'x.txt'",
    "Could not open requirements file: [Errno 2] No such file or directory: 'x.txt'",
  ],
]
for (const [what, said, told] of cases)
  test(what, () => {
    const reason = pipFailure(log(said), lines)
    assert.ok(reason)
    assert.equal(sentence(reason, 'app'), told)
    assert.ok(reason.next)
  })

test('another failed step has no explanation', () => {
  const failed = '#8 ERROR: executor failed running [/bin/sh -c useradd app]: exit code: 9'
  assert.equal(pipFailure(failed, lines), undefined)
  assert.equal(pipFailure(`#7 RUN pip install\n${failed}`, lines), undefined)
})

test('the failed step of an own Dockerfile, or BuildKit’s error', () => {
  const ran = 'RUN pip --python /opt/venv/bin/python install -r requirements.txt'
  assert.equal(failedStep(log('no').replace('RUN pip install:', `${ran}:`)), `${ran} ended with exit code 1`)
  const said = 'dockerfile parse error line 2: unknown instruction: RUNN'
  const around =
    'rpc error: code = Unknown desc = failed to solve with frontend: failed to create LLB definition: '
  assert.equal(failedStep(`#1 DONE 0.0s\nERROR: failed to solve: ${around}${said}`), said)
  const missing =
    '------\n > [2/2] COPY nothing /:\n------\nERROR: failed to solve: "/nothing" not found: not found'
  assert.equal(failedStep(missing), 'COPY nothing /: "/nothing" not found: not found')
})
