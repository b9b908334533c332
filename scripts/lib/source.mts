/** Folders of this checkout: what is in them, as one digest, and without the litter of development. */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import path from 'node:path'

/** Never part of a source. */
export const LITTER = ['.git', '__pycache__', '*.pyc', '.venv', 'venv', '.pytest_cache', '.DS_Store', '.env']

const isLitter = (name: string) => LITTER.includes(name) || name.endsWith('.pyc')

/**
 * The same for the same names, contents and execute bits, whatever the clock or the owner says.
 * @returns hexadecimal SHA-256
 */
export function digest(...places: string[]): string {
  const hash = createHash('sha256')
  for (const place of places)
    for (const [name, content] of entries(place)) hash.update(`${name}\0${content.length}\0`).update(content)
  return hash.digest('hex')
}

/** Folders and files as [name, content]; what is no path counts as text. */
function entries(place: string): [string, Buffer][] {
  if (!existsSync(place)) return [['text', Buffer.from(place)]]
  if (!statSync(place).isDirectory()) return [[path.basename(place), readFileSync(place)]]
  return readdirSync(place, { recursive: true, withFileTypes: true })
    .map((entry) => ({ entry, name: path.relative(place, path.join(entry.parentPath, entry.name)) }))
    .filter(({ entry, name }) => !entry.isDirectory() && !name.split(path.sep).some(isLitter))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ entry, name }) => {
      const file = path.join(place, name)
      if (entry.isSymbolicLink()) return [`${name} link`, Buffer.from(readlinkSync(file))]
      return [statSync(file).mode & 0o100 ? `${name} executable` : name, readFileSync(file)]
    })
}
