/** Can the official images be had? Told by the registry's own word, or by there being no registry at all. */
import { sleep } from 'zx'
import { OperatorError } from '../cli/errors.mts'
import { list } from '../cli/say.mts'
import type { Host } from '../host/host.mts'
import { remote } from '../host/shell.mts'

/** Seconds for an answer; one that hangs costs no more. */
const PATIENCE = 10
/** Seconds for all of them, with the check whether a connection is possible. */
const ASK_DEADLINE = 60
/** Milliseconds before it is asked again. */
const PAUSE = 2000

interface Answer {
  image: string
  /** `local` when the engine has it, `there` when the registry has it, else why it cannot be had, in the engine's words. */
  words: string
}

/** Whether the official images can be used; without `usable` nobody can tell. */
interface Judgement {
  usable?: boolean
  reason: string
}

/** Asks for every image, and for what is refused a second time. */
export async function askRegistry(host: Host, images: string[]): Promise<Answer[]> {
  const first = await ask(host, images)
  const refused = first.filter(({ words }) => !isHad(words)).map(({ image }) => image)
  if (refused.length === 0) return first
  await sleep(PAUSE)
  const second = await ask(host, refused)
  return first.map((answer) => second.find(({ image }) => image === answer.image) ?? answer)
}

async function ask(host: Host, images: string[]): Promise<Answer[]> {
  const script = remote('ask', { images: [...new Set(images)].join(' '), patience: PATIENCE })
  const output = await host.run('Asking the registry', script, { deadline: ASK_DEADLINE })
  return output
    .split('\n')
    .filter(Boolean)
    .map((line) => line.split('\t'))
    .map(([image = '', words = '']) => ({ image, words }))
}

const isHad = (words: string) => words === 'local' || words === 'there'

// The words of Engine 20.10 to 29, with and without containerd's image store.
const HAS_NOT = /manifest unknown|manifest .*not found|name unknown|: not found$|no matching manifest/i
const NOBODY =
  /^no connection to|while waiting for connection|\bdial\b.*(no such host|server misbehaving|connection refused|no route to host|is unreachable|i\/o timeout)/i
/** A way to the registry that does not work says nothing of the registry. */
const ON_THE_WAY = /proxyconnect|authoriz|token/i

/** What the answers come to. */
export function judgeAnswers(answers: readonly Answer[]): Judgement {
  const refused = answers.filter(({ words }) => !isHad(words))
  if (answers.every(({ words }) => words === 'local'))
    return { usable: true, reason: 'all of them are on the server (the registry was not asked)' }
  if (refused.length === 0) return { usable: true, reason: 'the registry has them' }
  const missing = refused.filter(({ words }) => HAS_NOT.test(words))
  if (missing.length > 0)
    return { usable: false, reason: `the registry has no ${list(missing.map(({ image }) => image))}` }
  const unclear = refused.find(({ words }) => ON_THE_WAY.test(words) || !NOBODY.test(words))
  if (unclear) return { reason: `${unclear.image}: ${unclear.words}` }
  return { usable: false, reason: `no registry is in reach (${refused[0]?.words})` }
}

/** Nobody knows: then nothing is decided, since the decision would stay. */
export function undecided({ reason }: Judgement): OperatorError {
  const login = /denied|unauthorized|authenti|credentials|toomanyrequests|429/i.test(reason)
  return new OperatorError(
    `images: auto cannot decide: the registry was asked twice and gave no clear answer (${reason})`,
    [
      login && 'docker login as root on the server, or wait; then run the same again.',
      !login && 'Run the same again when the registry answers.',
      'To decide yourself: images: registry or images: debian in config/stack.yaml.',
    ]
      .filter(Boolean)
      .join(' '),
    'nothing was decided or changed.',
  )
}
