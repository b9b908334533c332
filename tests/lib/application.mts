/** The applications of the tests. */
import { cpSync } from 'node:fs'
import path from 'node:path'
import { ROOT } from '../../scripts/lib/config/config.mts'
import type { Deployment } from './deployment.mts'

/**
 * Copies an application into the deployment's home, over what is there; returns its folder.
 * @param application its folder in the checkout
 * @param name        of the copy
 */
export function copyOf(site: Deployment, application: string, name = 'app'): string {
  const source = path.join(site.home, name)
  cpSync(path.join(ROOT, application), source, { recursive: true })
  return source
}
