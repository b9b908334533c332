/** zx without npx and tsx, which together take longer than most scripts. */
import path from 'node:path'
import process from 'node:process'
import { ROOT } from '../../scripts/lib/config/config.mts'

/** Lets node import TypeScript. */
export const LOADER = `--import=${path.join(ROOT, 'tests/lib/loader.mjs')}`

export const ZX = [process.execPath, path.join(ROOT, 'tests/lib/zx.mjs')]
