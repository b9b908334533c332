/** The application in this checkout: the files that are built, the Dockerfile, and the name of the release. */
import { existsSync } from 'node:fs'
import path from 'node:path'
import { NOTHING_CHANGED, OperatorError } from '../cli/errors.mts'
import { ROOT, type StackConfig, sourceFolder } from '../config/config.mts'
import { included, needsNoFile, requirementFiles, requirementLines } from './requirements.mts'
import { digest, type Entry, entriesOf, ignoreOf } from './source.mts'

/** Hexadecimal digits of a release's name. Among 20 million releases, two have the same name with a chance of 1 in 2. */
const NAME_LENGTH = 12

/** The files that the contract requires. */
const CONTRACT = ['app.py', 'create_db.py', 'requirements.txt']

export const COMPOSE = path.join(ROOT, 'compose')

/** Makes pip install psycopg2-binary for psycopg2; part of our Dockerfile. */
export const PSYCOPG2 = path.join(COMPOSE, 'psycopg2.py')

/** Folder of the first process of a replica; part of every image of the application. */
export const PROCESS1 = path.join(COMPOSE, 'process1')

export interface Source {
  /** Folder of the application on this machine. */
  folder: string
  /** The files that are copied, built, and digested for the release's name. */
  entries: Entry[]
  /** The application's own Dockerfile if it has one, else compose/app.Dockerfile. */
  dockerfile: string
  own: boolean
  release: string
}

/**
 * @param python id of the Python image (identityOf)
 * @throws OperatorError when the application cannot be built
 */
export function sourceOf(stack: StackConfig, python: string): Source {
  const folder = sourceFolder(stack)
  const lacks = (what: string, exists: (name: string) => boolean) => {
    const names = CONTRACT.filter((name) => !exists(name)).join(', ')
    if (names) throw new OperatorError(`${what} ${names}`, 'See “Your own application” in the README.')
  }
  lacks(`The application in ${stack.app.source}/ has no`, (name) => existsSync(path.join(folder, name)))
  const entries = entriesOf(folder, ignoreOf(folder))
  lacks(`The .dockerignore of ${stack.app.source}/ excludes`, (name) => isCopied(entries, name))
  const ownDockerfile = path.join(folder, 'Dockerfile')
  const own = existsSync(ownDockerfile)
  if (!own) checkRequirements(stack, folder, entries)
  const dockerfile = own ? ownDockerfile : path.join(COMPOSE, 'app.Dockerfile')
  const source = { folder, entries, dockerfile, own }
  return { ...source, release: releaseOf(source, python) }
}

/** The name of the release that a source makes with a Python image. */
export function releaseOf({ entries, dockerfile, own }: Omit<Source, 'release'>, python: string): string {
  const recipe = own ? [dockerfile, PROCESS1] : [dockerfile, PSYCOPG2, PROCESS1]
  return digest(entries, ...recipe, python).slice(0, NAME_LENGTH)
}

/** The files that pip needs: the requirements files, or `.` for all if a line names a file or folder of the source. */
export function neededByPip({ folder, entries }: Source): string[] {
  const files = requirementFiles(folder)
  const kind = (name: string) => entries.find((entry) => entry.name === name)?.kind
  const plain = files.every((name) => kind(name) === 'file' || kind(name) === 'executable')
  return plain && requirementLines(folder).every(({ text }) => needsNoFile(text)) ? files : ['.']
}

/** @throws OperatorError when a requirements file includes a file that pip will not find */
function checkRequirements(stack: StackConfig, folder: string, entries: Entry[]): void {
  for (const line of requirementLines(folder)) {
    const { file, number, text } = line
    const name = included(file, text)
    if (name === undefined || (isCopied(entries, name) && existsSync(path.join(folder, name)))) continue
    throw new OperatorError(
      `${stack.app.source}/${file}, line ${number}: ${name} ${whyNot(folder, name)}`,
      `Correct that line; the file must be in ${stack.app.source}/.`,
      NOTHING_CHANGED,
    )
  }
}

function whyNot(folder: string, name: string): string {
  if (path.isAbsolute(name) || name.startsWith('../')) return 'is outside of the application'
  return existsSync(path.join(folder, name)) ? 'is excluded by .dockerignore' : 'does not exist'
}

/** Whether the image gets the file: as an entry, or below a link to a folder. */
function isCopied(entries: Entry[], name: string): boolean {
  return entries.some(
    (entry) => entry.name === name || (entry.kind === 'link' && name.startsWith(`${entry.name}/`)),
  )
}
