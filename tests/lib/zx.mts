/** zx as npx starts it, with the loader of .npmrc; npx alone takes half a second. */
import path from 'node:path'
import process from 'node:process'
import { ROOT } from '../../scripts/lib/config/config.mts'

export const ZX = [process.execPath, '--import=tsx', path.join(ROOT, 'node_modules/zx/build/cli.js')]
