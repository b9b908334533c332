/** The application's schema: runs its own create_db.py. */
import { CommandError, indent, OperatorError } from '../cli/errors.mts'
import type { StackConfig } from '../config/config.mts'
import type { Host } from '../host/host.mts'
import { bash, join, remote, type Script } from '../host/shell.mts'
import { sqlFunction } from './database.mts'
import { whyUnprepared } from './diagnosis.mts'
import { composeFor } from './stack.mts'

/** Seconds; a migration may change a lot of data. */
const DEADLINE = 600
/** How often create_db.py is run if it gets no lock: a session may hold one only for a moment. */
const TRIES = 3
/** Exit code of schema.sh when create_db.py got no lock. */
const CONTENDED = 81

export interface Schema {
  /** Whether create_db.py was run. */
  prepared: boolean
  /** Whether tables, columns or indexes changed. */
  changed: boolean
  /** The backup of the database before the change, if one was made. */
  backup?: string
}

/**
 * Runs create_db.py of a release unless the schema is by this release already. The database's own comment names the
 * release, so it cannot disagree with the schema.
 * @param saving the functions save_before and keep_saved, for a backup of the database before the change
 * @returns what changed. If this release has changed the schema already, that is returned until a rollout has recorded it
 * @throws Contended when another session holds a lock; CommandError or NotReady when create_db.py fails
 */
export async function prepareSchema(
  host: Host,
  stack: StackConfig,
  release: string,
  saving: Script,
): Promise<Schema> {
  const { exitCode, stdout, stderr } = await host.attempt(script(stack, release, saving), {
    deadline: DEADLINE + 60,
    tied: true,
  })
  if (exitCode === CONTENDED) throw new Contended(stack, release, stdout.trim())
  if (exitCode !== 0) {
    const purpose = `Preparing the schema for release ${release} (create_db.py)`
    throw whyUnprepared(new CommandError(purpose, exitCode, `${stdout}\n${stderr}`))
  }
  return parseSchema(stdout)
}

/** For prepareSchema: makes no backup. */
export const NOT_SAVING = bash`save_before() { :; }; keep_saved() { :; }`

/** What the schema step of a release has changed, if no rollout has recorded it yet. */
export async function schemaChange(host: Host, { folder }: StackConfig, release: string): Promise<Schema> {
  const script = bash`cat ${folder}/schema.changed 2>/dev/null || true`
  const [whose, ...lines] = (await host.run('Looking at the schema step', script)).split('\n')
  return parseSchema(whose === release ? lines.join('\n') : '')
}

function parseSchema(output: string): Schema {
  const lines = output.split('\n')
  const backup = lines.find((line) => line.startsWith('backup '))?.slice('backup '.length)
  const schema = { prepared: lines.includes('prepared'), changed: lines.includes('changed') }
  return backup ? { ...schema, backup } : schema
}

function script(stack: StackConfig, release: string, saving: Script): Script {
  const { folder, project, database } = stack
  return join([
    bash`cd ${folder}`,
    composeFor(stack, release),
    sqlFunction(stack),
    saving,
    remote('schema', {
      project,
      release,
      lock: database.lock_timeout,
      tries: TRIES,
      deadline: DEADLINE,
      contended: CONTENDED,
    }),
  ])
}

/** Another session holds a lock that create_db.py needs. */
export class Contended extends OperatorError {
  /** What to do before the command is run again. */
  readonly remedy: string

  /** @param blockers the sessions, a line each; empty if they ended before they were seen */
  constructor({ project, database }: StackConfig, release: string, blockers: string) {
    const remedy = remedyFor(project, blockers)
    super(
      `create_db.py of release ${release} got no lock in the database: it tried ${TRIES} times for ${database.lock_timeout} s (database.lock_timeout)${blockers && `. The lock is held by\n${indent(blockers)}`}`,
      `${remedy}, then the same command again.`,
      'create_db.py has ended, and none of its statements is applied later; what runs keeps running.',
    )
    this.name = 'Contended'
    this.remedy = remedy
  }
}

function remedyFor(project: string, blockers: string): string {
  const pids = [...blockers.matchAll(/\(process (\d+)\)/g)].map(([, pid]) => `pg_terminate_backend(${pid})`)
  return pids.length === 0
    ? 'npm run verify shows whether a session still locks a table'
    : `Let that session end, or end it on the server (sudo docker exec ${project}-db-1 psql -U postgres -d prusa -c 'SELECT ${pids.join(', ')}')`
}
