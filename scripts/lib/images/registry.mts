/** Whether the official images are available: tells a registry that refuses an image from one that is out of reach. */
import { sleep } from 'zx'
import { OperatorError } from '../cli/errors.mts'
import { list } from '../cli/say.mts'
import { rowsIn } from '../host/facts.mts'
import type { Host } from '../host/host.mts'
import { remote } from '../host/shell.mts'

/** Seconds for the answer about one image. */
const PATIENCE = 10
/** Seconds for all answers, with the check whether a connection is possible. */
const ASK_DEADLINE = 60
/** Milliseconds before the second question. */
const PAUSE = 2000

interface Answer {
  image: string
  /** `local` if the engine has it, `there` if the registry has it, else the engine's error. */
  words: string
}

/** Whether the official images can be used; undefined if the answers do not say. */
interface Judgement {
  usable?: boolean
  reason: string
}

/** Asks for every image, and a second time for those that were refused. */
export async function askRegistry(host: Host, images: string[]): Promise<Answer[]> {
  const first = await ask(host, images)
  const refused = first.filter(({ words }) => !isAvailable(words)).map(({ image }) => image)
  if (refused.length === 0) return first
  await sleep(PAUSE)
  const second = await ask(host, refused)
  return first.map((answer) => second.find(({ image }) => image === answer.image) ?? answer)
}

async function ask(host: Host, images: string[]): Promise<Answer[]> {
  const script = remote('ask', { images: [...new Set(images)].join(' '), patience: PATIENCE })
  const output = await host.run('Asking the registry', script, { deadline: ASK_DEADLINE })
  return rowsIn(output).map(([image = '', words = '']) => ({ image, words }))
}

const isAvailable = (words: string) => words === 'local' || words === 'there'

// Errors of Engine 20.10 to 29, with and without containerd's image store.
const HAS_NOT = /manifest unknown|manifest .*not found|name unknown|: not found$|no matching manifest/i
const NOBODY =
  /^no connection to|while waiting for connection|\bdial\b.*(no such host|server misbehaving|connection refused|no route to host|is unreachable|i\/o timeout)/i
/** A proxy or a login server that does not answer says nothing about the registry. */
const ON_THE_WAY = /proxyconnect|authoriz|token/i

/** The images can be used if all are available, and cannot if one is missing or no registry is there. */
export function judgeAnswers(answers: readonly Answer[]): Judgement {
  const refused = answers.filter(({ words }) => !isAvailable(words))
  if (answers.every(({ words }) => words === 'local'))
    return { usable: true, reason: 'the server has all of them (the registry was not asked)' }
  if (refused.length === 0) return { usable: true, reason: 'the registry has them' }
  const missing = refused.filter(({ words }) => HAS_NOT.test(words))
  if (missing.length > 0)
    return { usable: false, reason: `the registry has no ${list(missing.map(({ image }) => image))}` }
  const unclear = refused.find(({ words }) => ON_THE_WAY.test(words) || !NOBODY.test(words))
  if (unclear) return { reason: `${unclear.image}: ${unclear.words}` }
  return { usable: false, reason: `no registry is in reach (${refused[0]?.words})` }
}

/** The error for an unclear answer: nothing is decided, since later runs would keep the decision. */
export function undecided({ reason }: Judgement): OperatorError {
  const login = /denied|unauthorized|authenti|credentials|toomanyrequests|429/i.test(reason)
  return new OperatorError(
    `images: auto cannot decide: the registry was asked twice and gave no clear answer (${reason})`,
    [
      login
        ? 'docker login as root on the server, or wait; then run again.'
        : 'Run again when the registry answers.',
      'To decide yourself, set images: registry or images: debian in config/stack.yaml.',
    ].join(' '),
    'nothing was decided or changed.',
  )
}
