/** What every rollout does around the replacing of replicas: the schema before it; proof, history and hooks after it. */
import { saving } from '../backup/backup.mts'
import { warn } from '../cli/say.mts'
import type { StackConfig } from '../config/config.mts'
import { LockLost } from '../host/fence.mts'
import type { Host } from '../host/host.mts'
import type { Proof } from '../proof/proof.mts'
import { prepareSchema, schemaChange } from '../stack/create-db.mts'
import { runHook } from './hooks.mts'

/** Runs create_db.py, or looks up what it has changed for this release since the last rollout. */
export async function schemaStep(host: Host, stack: StackConfig, proof: Proof, runs = false): Promise<void> {
  const { to } = proof.about
  if (runs) await proof.schema(() => prepareSchema(host, stack, to, saving(stack, to)))
  else proof.noteSchema(await schemaChange(host, stack, to))
}

/**
 * Does the work while the probe asks the site, and says what the probe saw.
 * @param judged on how many requests the rollout was judged, as a sentence; may be empty
 */
export async function prove(
  host: Host,
  stack: StackConfig,
  proof: Proof,
  work: () => Promise<void>,
  judged?: { basis: string },
): Promise<void> {
  try {
    await work()
    proof.result = 'released'
  } finally {
    await proof.end(judged?.basis ?? '').catch((error) => {
      // The next command finds a lost lock, too, and its message says what to do.
      if (!(error instanceof LockLost)) warn(`History and picture could not be written: ${error.message}`)
    })
    await runHook(host, stack, 'post_rollout', proof.about, proof)
    if (proof.result === 'went back') await runHook(host, stack, 'went_back', proof.about, proof)
  }
}
