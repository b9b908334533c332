/** Why a build failed: pip's reason with the requirement that it is about, or the failed step of a Dockerfile. */
import { type Line, placeOf } from './requirements.mts'

interface Reason {
  /** The line of a requirements file; undefined if pip names none. */
  line: Line | undefined
  what: string
  next: string
}

interface Kind {
  said: RegExp
  /** @param groups the match of `said`, the whole first */
  what: (groups: string[], output: string) => string
  next: string
}

const UNREACHABLE =
  /Failed to establish a new connection|ConnectTimeout|Read timed out|CERTIFICATE_VERIFY_FAILED|NameResolutionError|Network is unreachable/
const INDEX =
  'Let the server reach a package index (the build uses its /etc/pip.conf), or require versions that Debian has.'

/** The first one that pip's output matches counts. */
const KINDS: Kind[] = [
  {
    said: /Could not find a version that satisfies the requirement (.+?)(?: \(from (?!versions)(.+?)\))? \(from versions: (.*)\)/,
    what: ([, name = '', parent = '', versions = ''], output) => {
      const it = parent ? `${parent} needs ${name}, and ` : ''
      if (UNREACHABLE.test(output))
        return `${it}it must be downloaded, but the server cannot reach the package index`
      if (versions === 'none' || versions === '')
        return `${it}there is no package with that name for this Python`
      return `${it}there is no such version; the latest are ${versions.split(', ').slice(-5).join(', ')}`
    },
    next: 'Correct that line, or let the server reach a package index (/etc/pip.conf).',
  },
  {
    said: /THESE PACKAGES DO NOT MATCH THE HASHES[^\n]*\n\s*(\S+)/,
    what: () => 'the downloaded file has another hash than the line says',
    next: 'Find out which hash is right, and correct the line.',
  },
  {
    said: /In --require-hashes mode, all requirements must have their versions pinned[^\n]*\n\s*(\S+)|Hashes are required in --require-hashes mode[^\n]*\n\s*(\S+)/,
    what: () => 'if one requirement has a hash, each needs one and a version with ==, dependencies included',
    next: 'Write all of them, for example with pip-compile --generate-hashes.',
  },
  {
    said: /ERROR: Cannot install (.+?) because these package versions have conflicting dependencies/,
    what: ([, names = '']) => `${names} exclude each other`,
    next: 'Loosen one of the versions.',
  },
  {
    said: /Invalid requirement: '?(.+?)'?(?:: (.+))?$/m,
    what: ([, text = '', why = '']) => `“${text}” is not a requirement${why && ` (${why.toLowerCase()})`}`,
    next: 'Correct that line.',
  },
  {
    said: /ERROR: (.+ is not a supported wheel on this platform)/,
    what: ([, text = '']) => text,
    next: 'Use a wheel for the Python of the image.',
  },
  {
    said: /Cannot find command 'git'/,
    what: () => 'it needs git, which the image does not have',
    next: 'Require an archive of it with https://, or give the application its own Dockerfile that installs git.',
  },
  {
    said: /metadata-generation-failed|Failed building wheel for (\S+)|did not run successfully/,
    what: () => 'it has no wheel for this Python, and its source could not be built (it may need a compiler)',
    next: 'Require a version that has a wheel, or give the application its own Dockerfile that installs a compiler.',
  },
  { said: UNREACHABLE, what: () => 'the server cannot reach the address of the download', next: INDEX },
  {
    said: /^ERROR: (?!failed to solve|executor failed)(.+)/m,
    what: ([, text = '']) => text,
    next: 'Correct that line.',
  },
]

/**
 * @param log   output of the build
 * @param lines of the requirements files
 * @returns undefined unless pip failed
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

/** The line by its number in pip's output, by the requirement's name, or else the last one that pip worked on. */
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

/** One sentence for people. */
export function sentence({ line, what }: Reason, source: string): string {
  return line ? `${source}/${line.file}, line ${line.number}: ${line.text}: ${what}` : what
}

/** The failed step of an application's own Dockerfile. @param log output of BuildKit */
export function failedStep(log: string): string {
  const [, step] = /^ > \[(?!internal)[^\]]*\] (.+):$/m.exec(log) ?? []
  const [, code] = /exit code: (\d+)$/m.exec(log) ?? []
  if (step && code) return `${step} ended with exit code ${code}`
  const said = /^ERROR: failed to solve: (?:rpc error: .* definition: )?(.+)$/m.exec(log)?.[1]
  return [step, said].filter(Boolean).join(': ') || 'the build failed'
}
