/** The application as it lies in this checkout: what of it is built, by which Dockerfile, under which name. */
import { existsSync } from 'node:fs'
import path from 'node:path'
import { OperatorError } from '../cli/errors.mts'
import { ROOT, type StackConfig, sourceFolder } from '../config/config.mts'
import { included, type Line, needsNoFile, requirementFiles, requirementLines } from './requirements.mts'
import { digest, type Entry, entriesOf, ignoreOf } from './source.mts'

/** Digits of the source's digest in a release's name: a billion releases to an even chance of two alike. */
const NAME_LENGTH = 12

/** The contract's files; without them there is nothing to run. */
const CONTRACT = ['app.py', 'create_db.py', 'requirements.txt']

/** Has pip take psycopg2-binary for psycopg2; part of our Dockerfile. */
export const PSYCOPG2 = path.join(ROOT, 'compose/psycopg2.py')

export interface Source {
  /** Folder of the application on this machine. */
  folder: string
  /** What of it travels, is built, and is in the release's name. */
  entries: Entry[]
  /** The Dockerfile that builds it: its own when it has one, else the one for every application with the contract. */
  dockerfile: string
  own: boolean
  release: string
}

/**
 * @param python what tells the image that it runs on from others (identityOf)
 * @throws OperatorError naming what cannot be built
 */
export function sourceOf(stack: StackConfig, python: string): Source {
  const folder = sourceFolder(stack)
  refuse(
    stack,
    'has no',
    CONTRACT.filter((name) => !existsSync(path.join(folder, name))),
  )
  const entries = entriesOf(folder, ignoreOf(folder))
  refuse(
    stack,
    'leaves out by .dockerignore',
    CONTRACT.filter((name) => !travels(entries, name)),
  )
  const its = path.join(folder, 'Dockerfile')
  const own = existsSync(its)
  if (!own) checkRequirements(stack, folder, entries)
  const dockerfile = own ? its : path.join(ROOT, 'compose/app.Dockerfile')
  const source = { folder, entries, dockerfile, own }
  return { ...source, release: releaseOf(source, python) }
}

/** The name of the release that a source makes on a Python image. */
export function releaseOf({ entries, dockerfile, own }: Omit<Source, 'release'>, python: string): string {
  const recipe = own ? [dockerfile] : [dockerfile, PSYCOPG2]
  return digest(entries, ...recipe, python).slice(0, NAME_LENGTH)
}

/** What pip needs of the source: its own files, and everything where a line names a file or folder of the source. */
export function neededByPip({ folder, entries }: Source): string[] {
  const files = requirementFiles(folder)
  const kind = (name: string) => entries.find((entry) => entry.name === name)?.kind
  const plain = files.every((name) => kind(name) === 'file' || kind(name) === 'executable')
  return plain && requirementLines(folder).every(({ text }) => needsNoFile(text)) ? files : ['.']
}

function refuse(stack: StackConfig, what: string, names: string[]): void {
  if (names.length === 0) return
  throw new OperatorError(
    `The application in ${stack.app.source}/ ${what} ${names.join(', ')}`,
    'See “Your own application” in the README.',
  )
}

/** Files that a requirements file includes have to be there when pip reads it. */
function checkRequirements(stack: StackConfig, folder: string, entries: Entry[]): void {
  for (const line of requirementLines(folder)) {
    const name = included(line.file, line.text)
    if (name === undefined || (travels(entries, name) && existsSync(path.join(folder, name)))) continue
    throw new OperatorError(
      `${place(stack, line)}: ${name} ${whyNot(folder, name)}`,
      `Correct that line; what it names has to be in ${stack.app.source}/.`,
      'nothing was changed.',
    )
  }
}

/** Where a person finds a line. */
function place(stack: StackConfig, { file, number }: Line): string {
  return `${stack.app.source}/${file}, line ${number}`
}

function whyNot(folder: string, name: string): string {
  if (path.isAbsolute(name) || name.startsWith('../')) return 'lies outside of the application'
  return existsSync(path.join(folder, name)) ? 'is left out by .dockerignore' : 'is not there'
}

/** Whether it is there in the image: itself, or below a link to a folder. */
function travels(entries: Entry[], name: string): boolean {
  return entries.some(
    (entry) => entry.name === name || (entry.kind === 'link' && name.startsWith(`${entry.name}/`)),
  )
}
