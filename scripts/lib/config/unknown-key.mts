/** An unknown key of a configuration file, and what it probably means. */
import { nearest } from '../cli/nearest.mts'

/**
 * The message for an unknown key. It names a known key with this very name at another level, else the nearest key of the
 * same section, else the nearest key of all.
 */
export function unknownKey(key: string, path: string, known: string[]): string {
  const last = (name: string) => name.slice(name.lastIndexOf('.') + 1)
  const exact = known.find((name) => last(name) === key)
  const siblings = known.filter((name) => name === (path ? `${path}.${last(name)}` : last(name)))
  const near = exact ?? nearest(path ? `${path}.${key}` : key, siblings.length > 0 ? siblings : known)
  return `unknown key “${key}”${path && ` under ${path}`}; the nearest known one is “${exact ?? last(near ?? '')}”`
}
