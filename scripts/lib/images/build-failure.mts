/** Why pip could not install what the application requires: in a sentence, with the line that it is about. */
import { type Line, placeOf } from './requirements.mts'

export interface Reason {
  /** The line of a requirements file; unknown where pip names none. */
  line: Line | undefined
  what: string
  next: string
}

interface Kind {
  said: RegExp
  /** @param groups what the expression has caught, the whole first */
  what: (groups: string[], output: string) => string
  next: string
}

const UNREACHABLE =
  /Failed to establish a new connection|ConnectTimeout|Read timed out|CERTIFICATE_VERIFY_FAILED|NameResolutionError|Network is unreachable/
const INDEX =
  'Give the server a way to its package index (it builds with its /etc/pip.conf), or require what Debian has.'

/** The first that is found in pip's words counts. */
const KINDS: Kind[] = [
  {
    said: /Could not find a version that satisfies the requirement (.+?)(?: \(from (?!versions)(.+?)\))? \(from versions: (.*)\)/,
    what: ([, name = '', parent = '', versions = ''], output) => {
      const it = parent ? `${parent} needs ${name}, and ` : ''
      if (UNREACHABLE.test(output))
        return `${it}it has to be fetched, and the package index cannot be reached from the server`
      if (versions === 'none' || versions === '')
        return `${it}there is no package of that name for this Python`
      return `${it}there is no such version; the latest are ${versions.split(', ').slice(-5).join(', ')}`
    },
    next: 'Correct that line. Where the index cannot be reached, give the server a way to one (/etc/pip.conf).',
  },
  {
    said: /THESE PACKAGES DO NOT MATCH THE HASHES[^\n]*\n\s*(\S+)/,
    what: () => 'what was fetched has another hash than the one that stands there',
    next: 'Find out which of the two is right, and correct the hash.',
  },
  {
    said: /In --require-hashes mode, all requirements must have their versions pinned[^\n]*\n\s*(\S+)|Hashes are required in --require-hashes mode[^\n]*\n\s*(\S+)/,
    what: () =>
      'where one requirement has a hash, each needs one, with its version by ==, dependencies included',
    next: 'Write all of them, for example by pip-compile --generate-hashes.',
  },
  {
    said: /ERROR: Cannot install (.+?) because these package versions have conflicting dependencies/,
    what: ([, names = '']) => `${names} exclude each other`,
    next: 'Loosen one of the versions.',
  },
  {
    said: /Invalid requirement: '?(.+?)'?(?:: (.+))?$/m,
    what: ([, text = '', why = '']) => `“${text}” is no requirement${why && ` (${why.toLowerCase()})`}`,
    next: 'Correct that line.',
  },
  {
    said: /ERROR: (.+ is not a supported wheel on this platform)/,
    what: ([, text = '']) => text,
    next: 'Put a wheel there that is made for the Python of the image.',
  },
  {
    said: /Cannot find command 'git'/,
    what: () => 'it is fetched by git, which the image does not have',
    next: 'Require an archive of it by https://, or give the application a Dockerfile of its own that installs git.',
  },
  {
    said: /metadata-generation-failed|Failed building wheel for (\S+)|did not run successfully/,
    what: () => 'it is source only for this Python, and building it failed (it may need a compiler)',
    next: 'Require a version that has a wheel, or give the application a Dockerfile of its own that installs what building needs.',
  },
  { said: UNREACHABLE, what: () => 'the server cannot reach the place that it is fetched from', next: INDEX },
  {
    said: /^ERROR: (?!failed to solve|executor failed)(.+)/m,
    what: ([, text = '']) => text,
    next: 'Correct what the line asks for.',
  },
]

/**
 * @param log   what the build printed
 * @param lines of the requirement files
 * @returns nothing when it was not pip that failed
 */
export function pipFailure(log: string, lines: readonly Line[]): Reason | undefined {
  const output = log.replace(/^(#\d+ )?\d+\.\d+ /gm, '')
  if (!/pip .*install/.test(output)) return undefined
  for (const { said, what, next } of KINDS) {
    const groups = said.exec(output)
    if (groups) return { line: lineOf(output, [...groups], lines), what: what([...groups], output), next }
  }
  return undefined
}

/** By the place that pip names, by the requirement's name, or, where it names none, by what it was about last. */
function lineOf(output: string, groups: string[], lines: readonly Line[]): Line | undefined {
  const at = ([file, number]: readonly (string | undefined)[]) =>
    lines.find((line) => line.file === file && line.number === Number(number))
  const said = /\(from line (\d+) of (.+?)\)/.exec(output)
  if (said) return at([said[2], said[1]])
  const names = groups.slice(1, 3).flatMap((text) => /^[\w.-]+/.exec(text ?? '') ?? [])
  if (names.length > 0) return names.map((name) => placeOf(lines, name)).find((line) => line)
  const about = [...output.matchAll(/\(from -[rc] (?:\/app\/)?(.+?) \(line (\d+)\)\)/g)].at(-1)
  return at(about?.slice(1) ?? [])
}

/** The sentence for a person. */
export function sentence({ line, what }: Reason, source: string): string {
  return line ? `${source}/${line.file}, line ${line.number}: ${line.text}: ${what}` : what
}

/** What of an application's own Dockerfile failed. @param log what BuildKit printed */
export function failedStep(log: string): string {
  const [, step] = /^ > \[(?!internal)[^\]]*\] (.+):$/m.exec(log) ?? []
  const [, code] = /exit code: (\d+)$/m.exec(log) ?? []
  if (step && code) return `${step} ended with exit code ${code}`
  const said = /^ERROR: failed to solve: (?:rpc error: .* definition: )?(.+)$/m.exec(log)?.[1]
  return [step, said].filter(Boolean).join(': ') || 'the build did not succeed'
}
