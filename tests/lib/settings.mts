/** Keys of config/stack.yaml, nested as there. */
export type Settings = Record<string, unknown>

/** The keys of `other` over those of `one`, section by section. */
export function merge(one: Settings, other: Settings): Settings {
  const isMap = (value: unknown): value is Settings =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
  const result = { ...one }
  for (const [key, value] of Object.entries(other)) {
    const before = result[key]
    result[key] = isMap(before) && isMap(value) ? merge(before, value) : value
  }
  return result
}
