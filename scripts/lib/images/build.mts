/** Builds the base images, then the application's image. Running containers do not change. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { CommandError, indent, isDiskFull, lastLines, OperatorError } from '../cli/errors.mts'
import type { Doing } from '../cli/live.mts'
import { list, step, warn } from '../cli/say.mts'
import type { StackConfig } from '../config/config.mts'
import type { Host } from '../host/host.mts'
import { ended, start } from '../host/process.mts'
import { remote } from '../host/shell.mts'
import { COMPOSE, neededByPip, PROCESS1, releaseOf, type Source, sourceOf } from './application.mts'
import { ensureBaseImages, identityNow, ownName } from './base.mts'
import { failedStep, pipFailure, sentence } from './build-failure.mts'
import { baseImages, buildFolder, type ImageMode } from './images.mts'
import { buildProgress } from './progress.mts'
import { imageOf, isBuilt } from './release.mts'
import { requirementLines } from './requirements.mts'
import { type Entry, entriesOf } from './source.mts'

/** Seconds; pip on a slow connection. */
const BUILD_DEADLINE = 1200
/** Seconds; git status of a large checkout. */
const GIT_DEADLINE = 60
/** Exit code of build-app.sh when the copy is not the source. */
const NOT_THE_SOURCE = 90

/**
 * Builds what is missing: base images, then the application's image. A changed requirements.txt may need both.
 * @param fresh whether all base images are pulled or made again
 * @returns the release
 */
export async function buildRelease(
  host: Host,
  stack: StackConfig,
  mode: ImageMode,
  fresh = false,
): Promise<string> {
  const images = baseImages(stack, mode)
  const source = sourceOf(stack, '') // an application that cannot be built is an error before anything is made
  await step(`Base images (${mode})`, async (doing) => {
    const done = await ensureBaseImages(host, stack, mode, fresh, doing)
    if (done.length === 0) return 'there: nothing to do'
    return `${mode === 'debian' ? 'made' : 'pulled'} ${list(done)}`
  })
  source.release = releaseOf(source, await identityNow(host, stack, images))
  const python = ownName(stack, 'python', images.python)
  await step('Application', async (doing) => {
    const built = await build(host, stack, source, python, doing)
    return `release ${source.release} ${built ? 'built' : 'is built from this source already: nothing to do'}`
  })
  return source.release
}

/** Builds the release unless its image exists; returns whether it was built. */
async function build(
  host: Host,
  stack: StackConfig,
  source: Source,
  python: string,
  doing: Doing,
): Promise<boolean> {
  const { folder, entries, own, release } = source
  if (await isBuilt(host, stack, release)) return false
  doing(`copying ${stack.app.source}/`)
  const context = `${await buildFolder(host, stack)}/${release}`
  const copied = await copy(host, source, context)
  const script = remote('build-app', {
    context,
    copied,
    sum: listSum(entries),
    needed: own ? '' : neededByPip(source).join('\n'),
    image: imageOf(stack, release),
    project: stack.project,
    python,
    release,
    revision: await revision(folder),
  })
  const purpose = `Building ${imageOf(stack, release)}`
  const options = { deadline: BUILD_DEADLINE, progress: buildProgress(doing) }
  const without = await host.run(purpose, script, options).catch((error) => {
    throw error instanceof CommandError ? explained(host, stack, source, error) : error
  })
  if (without.trim())
    warn(
      `Release ${release} is built without the first process that asks it to prepare: ${without.trim()}. A rollout still asks it; docker stop, docker compose down and a reboot do not.`,
    )
  return true
}

/** Copies all that the build needs. Returns the folder of the application there. */
async function copy(host: Host, source: Source, context: string): Promise<string> {
  const { folder, entries, own, release, dockerfile } = source
  const names = (all: Entry[], below = '') => all.map(({ name }) => below + name)
  await host.copyFolder(COMPOSE, ['psycopg2.py', ...names(entriesOf(PROCESS1), 'process1/')], context)
  // For an own Dockerfile this is the context. The engine knows a context by the last part of its path (build-app.sh).
  const copied = `${context}/${own ? release : 'app'}`
  await host.copyFolder(folder, names(entries), copied)
  await host.writeFiles([
    { path: `${context}/Dockerfile`, content: readFileSync(dockerfile, 'utf8') },
    { path: `${context}/Dockerfile.dockerignore`, content: '# Excluded files were not copied.\n' },
  ])
  return copied
}

/** SHA-256 of the output of `sha256sum -z` for the files. */
function listSum(entries: Entry[]): string {
  const hash = createHash('sha256')
  const files = entries.filter(({ kind }) => kind === 'file' || kind === 'executable')
  const sorted = files.map((one) => ({ ...one, name: Buffer.from(`./${one.name}`) }))
  sorted.sort((a, b) => Buffer.compare(a.name, b.name))
  for (const { content, name } of sorted) hash.update(`${content}  `).update(name).update('\0')
  return hash.digest('hex')
}

const STATE = 'no image was made; what runs keeps running.'

/** The error for a failed build, with the reason if its output shows one. */
function explained(host: Host, stack: StackConfig, source: Source, error: CommandError): OperatorError {
  if (error.exitCode === NOT_THE_SOURCE)
    return new OperatorError(
      `${stack.app.source}/ changed while it was copied to ${host.name}`,
      'Run again.',
      STATE,
    )
  if (isDiskFull(error.output)) return error
  if (source.own)
    return new OperatorError(
      `${error.purpose} failed: ${stack.app.source}/Dockerfile: ${failedStep(error.output)}\n${indent(lastLines(error.output, 15))}`,
      'Correct that, and run again.',
      STATE,
    )
  const reason = pipFailure(error.output, requirementLines(source.folder))
  if (!reason) return error
  return new OperatorError(
    `${error.purpose} failed: ${sentence(reason, stack.app.source)}`,
    reason.next,
    STATE,
  )
}

/** The commit of the source, with `-changed` if files differ from it; `unknown` outside a git checkout. */
async function revision(folder: string): Promise<string> {
  const git = (...words: string[]) =>
    ended(start(['git', '-C', folder, ...words]), GIT_DEADLINE).then(
      ({ stdout }) => stdout.trim(),
      () => '', // git is not installed
    )
  const commit = await git('rev-parse', 'HEAD')
  if (!commit) return 'unknown'
  const changed = (await git('status', '--porcelain', '--', '.')) !== ''
  return changed ? `${commit}-changed` : commit
}
