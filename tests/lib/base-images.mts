/** The base images that the tests start servers and deployments with. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { stackSchema } from '../../scripts/lib/config/config.mts'
import { defaults } from '../../scripts/lib/config/schema.mts'
import { Host } from '../../scripts/lib/host/host.mts'
import { baseImages, missingImages, provide } from '../../scripts/lib/images/images.mts'

/** Names of the images in Debian mode for the application in app/, certbot's included. */
export const debianImages = () => baseImages({ ...defaults(stackSchema), tls: 'letsencrypt' }, 'debian')

/** Makes those of the images that this machine lacks; returns their names. */
export async function makeBaseImages(): Promise<string[]> {
  const host = new Host('local')
  const folder = mkdtempSync(path.join(tmpdir(), 'prusa-test-'))
  try {
    const stack = { ...defaults(stackSchema), tls: 'letsencrypt' as const, folder }
    const missing = await missingImages(host, Object.values(debianImages()))
    await provide(host, stack, 'debian', missing)
    return missing
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
