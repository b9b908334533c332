/** A folder of this checkout: the files that are copied and built, and their digest. */
import { isUtf8 } from 'node:buffer'
import { createHash } from 'node:crypto'
import {
  closeSync,
  existsSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
} from 'node:fs'
import path from 'node:path'
import { NOTHING_CHANGED, OperatorError } from '../cli/errors.mts'
import { Dockerignore, type Judgement } from './dockerignore.mts'

/** Excluded as if every .dockerignore began with these patterns; `!` includes them again. */
export const LITTER = [
  '**/.git',
  '**/__pycache__',
  '**/*.pyc',
  '**/.venv',
  '**/venv',
  '**/.pytest_cache',
  '**/.DS_Store',
  '**/.env',
]

/** Bytes that are read at once; a file may be larger than memory. */
const CHUNK = 1 << 20

export interface Entry {
  /** Path below the folder. */
  name: string
  kind: 'file' | 'executable' | 'link' | 'folder'
  /** SHA-256 of a file; target of a link; empty for a folder. */
  content: string
}

/**
 * The entries of a folder that Docker's build context would have: also empty folders; links stay links.
 * @param ignore text of a .dockerignore
 * @throws OperatorError when an entry cannot be part of an image
 */
export function entriesOf(folder: string, ignore = ''): Entry[] {
  const rules = new Dockerignore(`${LITTER.join('\n')}\n${ignore.replace(/^\ufeff/, '')}`)
  return below(folder, rules)
}

/** The text of the .dockerignore; Dockerfile.dockerignore takes precedence if the application has a Dockerfile. */
export function ignoreOf(folder: string): string {
  const names = ['Dockerfile', 'Dockerfile.dockerignore', '.dockerignore']
  const [dockerfile, own, shared] = names.map((name) => path.join(folder, name)) as [string, string, string]
  const file = existsSync(dockerfile) && existsSync(own) ? own : shared
  return existsSync(file) ? attempt(file, () => readFileSync(file, 'utf8')) : ''
}

/**
 * A digest of names, contents and execute bits. Times and owners do not count.
 * @param things paths of folders and files, entries of a folder, or any text
 * @returns hexadecimal SHA-256
 */
export function digest(...things: (string | Entry[])[]): string {
  const hash = createHash('sha256')
  for (const thing of things)
    for (const { kind, content, name } of typeof thing === 'string' ? entriesAt(thing) : thing)
      hash.update(`${kind}\0${content}\0${name}\0`)
  return hash.digest('hex')
}

function entriesAt(place: string): (Omit<Entry, 'kind'> & { kind: string })[] {
  if (!existsSync(place)) return [{ kind: 'text', content: place, name: '' }]
  if (lstatSync(place).isDirectory()) return entriesOf(place)
  return [{ kind: 'file', content: sha256(place), name: path.basename(place) }]
}

function below(folder: string, rules: Dockerignore, at = '', above?: Judgement): Entry[] {
  const here = path.join(folder, at)
  const names = attempt(here, () => readdirSync(here, 'buffer')).sort(Buffer.compare)
  return names.flatMap((bytes) => {
    const name = path.posix.join(at, bytes.toString())
    const judged = rules.judge(name, above)
    if (!isUtf8(bytes)) return judged.out ? [] : refuse(folder, name, 'has a name that is not UTF-8')
    const file = path.join(folder, name)
    const stat = attempt(file, () => lstatSync(file))
    if (!stat.isDirectory()) return judged.out ? [] : [entry(folder, name, stat)]
    const inside = judged.out && !rules.mayTakeBack(name) ? [] : below(folder, rules, name, judged)
    return judged.out && inside.length === 0 ? [] : [{ name, kind: 'folder', content: '' }, ...inside]
  })
}

function entry(folder: string, name: string, stat: ReturnType<typeof lstatSync>): Entry {
  const file = path.join(folder, name)
  if (stat?.isSymbolicLink()) return { name, kind: 'link', content: attempt(file, () => readlinkSync(file)) }
  if (!stat?.isFile()) return refuse(folder, name, `is ${kindOf(stat)}`)
  return { name, kind: Number(stat.mode) & 0o100 ? 'executable' : 'file', content: sha256(file) }
}

function kindOf(stat: ReturnType<typeof lstatSync>): string {
  if (stat?.isSocket()) return 'a socket'
  return stat?.isFIFO() ? 'a pipe' : 'a device'
}

function sha256(file: string): string {
  return attempt(file, () => {
    const hash = createHash('sha256')
    const descriptor = openSync(file, 'r')
    try {
      const chunk = Buffer.allocUnsafe(CHUNK)
      for (let length = 1; length > 0; ) {
        length = readSync(descriptor, chunk)
        hash.update(chunk.subarray(0, length))
      }
    } finally {
      closeSync(descriptor)
    }
    return hash.digest('hex')
  })
}

function refuse(folder: string, name: string, what: string): never {
  throw new OperatorError(
    `${path.join(folder, name)} ${what}: it cannot be part of an image`,
    'Remove it, or exclude it in .dockerignore.',
    NOTHING_CHANGED,
  )
}

const WHY: Record<string, string> = {
  EACCES: 'is not readable for you',
  ENOENT: 'was removed while it was read',
  EISDIR: 'is a folder',
}

/** What `read` returns. @throws OperatorError when it cannot read the file */
function attempt<T>(file: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException
    throw new OperatorError(
      `${file} ${WHY[code] ?? `cannot be read: ${message}`}`,
      code === 'ENOENT' ? 'Run again.' : 'Make it readable, or exclude it in .dockerignore.',
      NOTHING_CHANGED,
    )
  }
}
