/** Folders of this checkout: which files of them count, and their digest. What is counted is what travels and is built. */
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
import { OperatorError } from '../cli/errors.mts'
import { Dockerignore, type Judgement } from './dockerignore.mts'

/** Left out as if every .dockerignore began with it, so that `!` takes it back. */
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

/** Bytes that are read at once: a file may be larger than memory. */
const CHUNK = 1 << 20

export interface Entry {
  /** Path below the folder. */
  name: string
  kind: 'file' | 'executable' | 'link' | 'folder'
  /** SHA-256 of a file's content; where a link leads. */
  content: string
}

/**
 * What counts of a folder, as Docker's build context has it: empty folders too, links as links.
 * @param ignore text of a .dockerignore
 * @throws OperatorError naming what cannot be part of an image
 */
export function entriesOf(folder: string, ignore = ''): Entry[] {
  const rules = new Dockerignore(`${LITTER.join('\n')}\n${ignore.replace(/^\ufeff/, '')}`)
  return below(folder, rules)
}

/** The text of the .dockerignore that counts: one that is named after the application's own Dockerfile comes first. */
export function ignoreOf(folder: string): string {
  const names = ['Dockerfile', 'Dockerfile.dockerignore', '.dockerignore']
  const [dockerfile, own, shared] = names.map((name) => path.join(folder, name)) as [string, string, string]
  const file = existsSync(dockerfile) && existsSync(own) ? own : shared
  return existsSync(file) ? told(file, () => readFileSync(file, 'utf8')) : ''
}

/**
 * The same for the same names, contents and execute bits, whatever the clock or the owner says.
 * @param things folders and files by their paths, entries of a folder, or any text
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
  const names = told(here, () => readdirSync(here, 'buffer')).sort(Buffer.compare)
  return names.flatMap((bytes) => {
    const name = path.posix.join(at, bytes.toString())
    const judged = rules.judge(name, above)
    if (!isUtf8(bytes)) return judged.out ? [] : refuse(folder, name, 'has a name that is not UTF-8')
    const file = path.join(folder, name)
    const stat = told(file, () => lstatSync(file))
    if (!stat.isDirectory()) return judged.out ? [] : [entry(folder, name, stat)]
    const inside = judged.out && !rules.mayTakeBack(name) ? [] : below(folder, rules, name, judged)
    return judged.out && inside.length === 0 ? [] : [{ name, kind: 'folder', content: '' }, ...inside]
  })
}

function entry(folder: string, name: string, stat: ReturnType<typeof lstatSync>): Entry {
  const file = path.join(folder, name)
  if (stat?.isSymbolicLink()) return { name, kind: 'link', content: told(file, () => readlinkSync(file)) }
  if (!stat?.isFile()) return refuse(folder, name, `is ${kindOf(stat)}`)
  return { name, kind: Number(stat.mode) & 0o100 ? 'executable' : 'file', content: sha256(file) }
}

function kindOf(stat: ReturnType<typeof lstatSync>): string {
  if (stat?.isSocket()) return 'a socket'
  return stat?.isFIFO() ? 'a pipe' : 'a device'
}

function sha256(file: string): string {
  return told(file, () => {
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
    'Remove it, or name it in .dockerignore.',
    'nothing was changed.',
  )
}

const WHY: Record<string, string> = {
  EACCES: 'is not readable for you',
  ENOENT: 'went away while it was read',
  EISDIR: 'is a folder',
}

/** Reads, and tells an operator what could not be read. */
function told<T>(file: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException
    throw new OperatorError(
      `${file} ${WHY[code] ?? `cannot be read: ${message}`}`,
      code === 'ENOENT' ? 'Run again.' : 'Make it readable, or name it in .dockerignore.',
      'nothing was changed.',
    )
  }
}
