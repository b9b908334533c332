/** The application's schema, as its own create_db.py makes it. */

import { CommandError, indent, OperatorError } from '../cli/errors.mts'
import type { StackConfig } from '../config/config.mts'
import type { Host } from '../host/host.mts'
import { bash, join, remote, type Script } from '../host/shell.mts'
import { sqlFunction } from './database.mts'
import { whyUnprepared } from './diagnosis.mts'
import { composeFor } from './stack.mts'

/** Seconds; it may migrate real data. */
const DEADLINE = 600
/** So often it is tried to get a lock: who has one for a moment is no reason to give up. */
const TRIES = 3
/** Exit code of the script when it got none. */
const CONTENDED = 81

export interface Schema {
  /** Whether create_db.py was run. */
  prepared: boolean
  /** Whether tables, columns or indexes are others than before. */
  changed: boolean
}

/**
 * Lets the release prepare its schema, unless that release did so already. Which one did is written where it cannot
 * disagree with the schema: in the database's own comment.
 * @throws Contended
 */
export async function prepareSchema(host: Host, stack: StackConfig, release: string): Promise<Schema> {
  const { exitCode, stdout, stderr } = await host.attempt(script(stack, release), {
    deadline: DEADLINE + 60,
    tied: true,
  })
  if (exitCode === CONTENDED) throw new Contended(stack, release, stdout.trim())
  if (exitCode !== 0) {
    const purpose = `Preparing the schema for release ${release} (create_db.py)`
    throw whyUnprepared(new CommandError(purpose, exitCode, `${stdout}\n${stderr}`))
  }
  return { prepared: stdout.includes('prepared'), changed: stdout.includes('changed') }
}

function script(stack: StackConfig, release: string): Script {
  const { folder, project, database } = stack
  return join([
    bash`cd ${folder}`,
    composeFor(stack, release),
    sqlFunction(stack),
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

/** Somebody else has a lock in the database that create_db.py needs. */
export class Contended extends OperatorError {
  /**
   * @param blockers who has it, a line each; empty when they were gone before they could be looked at
   * @param remedy   what to do before the command is typed again
   */
  constructor(
    { project, database }: StackConfig,
    release: string,
    blockers: string,
    readonly remedy = remedyFor(project, blockers),
  ) {
    super(
      `create_db.py of release ${release} needs a lock in the database, asked ${TRIES} times, and got it not within ${database.lock_timeout} s (database.lock_timeout)${blockers && `. It is held by\n${indent(blockers)}`}`,
      `${remedy}, then the same command again.`,
      'create_db.py waits no longer, and what it waited for is not applied later; what runs keeps running.',
    )
    this.name = 'Contended'
  }
}

function remedyFor(project: string, blockers: string): string {
  const pids = [...blockers.matchAll(/\(process (\d+)\)/g)].map(([, pid]) => `pg_terminate_backend(${pid})`)
  return pids.length === 0
    ? 'See by npm run verify whether somebody keeps a table locked'
    : `Let that session end, or end it on the server (sudo docker exec ${project}-db-1 psql -U postgres -d prusa -c 'SELECT ${pids.join(', ')}')`
}
