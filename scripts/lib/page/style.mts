/** The look that all pages have. */
import { readFileSync } from 'node:fs'
import path from 'node:path'

export const STYLE = readFileSync(path.join(import.meta.dirname, 'page.css'), 'utf8')
