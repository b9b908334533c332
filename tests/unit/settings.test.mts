/** The tests use every key of the configuration: a key that always has its default may have no effect at all. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { glob } from 'zx'
import { ROOT, stackSchema } from '../../scripts/lib/config/config.mts'
import { defaults, type Schema } from '../../scripts/lib/config/schema.mts'
import { keysOf } from '../lib/literals.mts'

interface Key {
  name: string
  env?: string | undefined
  fallback: unknown
}

function keysIn(schema: Schema, above = '', value: unknown = defaults(schema)): Key[] {
  if (schema.kind !== 'section')
    return [{ name: above, env: schema.kind === 'leaf' ? schema.env : undefined, fallback: value }]
  return Object.entries(schema.keys as Record<string, Schema>).flatMap(([key, part]) =>
    keysIn(part, above ? `${above}.${key}` : key, (value as Record<string, unknown>)[key]),
  )
}

/** The text before a literal of settings: a call that configures, or the name of a test's settings. */
const WHOLE =
  /\b(?:configure|start|prepare)\((?=\{)|\bown = (?=\{)|(?=\{\s*\.\.\.(?:stack|process\.env|defaults\(stackSchema\))[,\s])/g

/** Each key that a test sets, and the text of its value. Tests that only read configurations do not count. */
async function used(sections: string[]): Promise<[key: string, value: string][]> {
  const section = new RegExp(`\\b(${sections.join('|')})(?:: | = )(?=\\{)`, 'g')
  const files = await glob('tests/**/*.mts', {
    cwd: ROOT,
    ignore: ['tests/unit/{config,schema,settings}.test.mts'],
  })
  return files.flatMap((file) => {
    const code = readFileSync(path.join(ROOT, file), 'utf8')
    return [...code.matchAll(WHOLE), ...code.matchAll(section)].flatMap((match) =>
      keysOf(code, match.index + match[0].length, match[1] ? `${match[1]}.` : ''),
    )
  })
}

test('every key of config/stack.yaml is used by some test with another value than its default', async () => {
  const keys = keysIn(stackSchema)
  const sections = Object.entries(stackSchema.keys).filter(([, { kind }]) => kind === 'section')
  const found = await used(sections.map(([name]) => name))
  const isUsed = ({ name, env, fallback }: Key) =>
    found.some(
      ([key, value]) => (key === name || key === env) && ![String(fallback), `'${fallback}'`].includes(value),
    )
  assert.deepEqual(
    keys.filter((key) => !isUsed(key)).map(({ name }) => name),
    [],
  )
})
