/** A schema for configuration files. It checks a YAML text and reports a mistake with its line. */
import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, type Scalar } from 'yaml'
import { OperatorError } from '../cli/errors.mts'
import { unknownKey } from './unknown-key.mts'

/** A single value. */
interface Leaf<T> {
  kind: 'leaf'
  /** What a right value is, for messages: `a whole number from 1 to 16`. */
  wanted: string
  /** The default; undefined: the file must hold the key. */
  fallback: T | undefined
  /** The environment variable that overrides the file. */
  env: string | undefined
  /** The value with its right type; undefined when it is wrong. */
  parse(value: unknown): T | undefined
}
interface List<T> {
  kind: 'list'
  item: Schema<T>
  /** The value when the file does not hold the key. */
  fallback: readonly T[]
}
interface Section<T> {
  kind: 'section'
  keys: { [K in keyof T]: Schema<T[K]> }
}
/** A map whose keys the operator chooses. */
interface Names {
  kind: 'names'
  name: RegExp
}
// biome-ignore lint/suspicious/noExplicitAny: the value's type is what the schema infers
export type Schema<T = any> = Leaf<T> | List<any> | Section<T> | Names

/** The type of the values that a schema describes. */
export type Infer<S> =
  S extends Leaf<infer T>
    ? T
    : S extends { kind: 'list'; item: infer I }
      ? Infer<I>[]
      : S extends Names
        ? Record<string, string>
        : S extends { kind: 'section'; keys: infer K }
          ? { [P in keyof K]: Infer<K[P]> }
          : never

export function text(wanted: string, pattern: RegExp, fallback?: string, env?: string): Leaf<string> {
  const parse = (value: unknown) =>
    (typeof value === 'string' || typeof value === 'number') && pattern.test(String(value))
      ? String(value)
      : undefined
  return { kind: 'leaf', wanted, fallback, env, parse }
}

export function integer(minimum: number, maximum: number, fallback: number, env?: string): Leaf<number> {
  const parse = (value: unknown) => {
    const number = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value
    const fits =
      typeof number === 'number' && Number.isInteger(number) && number >= minimum && number <= maximum
    return fits ? number : undefined
  }
  return { kind: 'leaf', wanted: `a whole number from ${minimum} to ${maximum}`, fallback, env, parse }
}

export function choice<const T extends string>(options: readonly T[], fallback: T, env?: string): Leaf<T> {
  const parse = (value: unknown) => options.find((option) => option === value)
  return { kind: 'leaf', wanted: `one of ${options.join(', ')}`, fallback, env, parse }
}

export function flag(fallback: boolean, env?: string): Leaf<boolean> {
  const parse = (value: unknown) => {
    if (value === true || value === 'true') return true
    return value === false || value === 'false' ? false : undefined
  }
  return { kind: 'leaf', wanted: 'true or false', fallback, env, parse }
}

export const list = <S extends Schema>(item: S, fallback: readonly Infer<S>[] = []) => ({
  kind: 'list' as const,
  item,
  fallback,
})
export const section = <K extends Record<string, Schema>>(keys: K) => ({ kind: 'section' as const, keys })
export const names = (name: RegExp): Names => ({ kind: 'names', name })

/**
 * Reads a YAML text by a schema. A variable of `env` that the schema names overrides the file.
 * @param file the name of the file, for messages
 * @throws OperatorError with the file, the line and, for an unknown key, the nearest known one
 */
export function parseConfig<S extends Schema>(
  schema: S,
  yaml: string,
  file: string,
  env: NodeJS.ProcessEnv,
): Infer<S> {
  const lines = new LineCounter()
  const document = parseDocument(yaml, { lineCounter: lines, prettyErrors: false })
  const refuseAt = (offset: number, message: string): never => {
    const { line } = lines.linePos(offset)
    throw new OperatorError(`${file}, line ${line}: ${message}`, 'Correct the file and run again.', UNTOUCHED)
  }
  const [broken] = document.errors
  if (broken) refuseAt(broken.pos[0], broken.message)
  const refuse = (node: Place, message: string) => refuseAt(node?.range?.[0] ?? 0, message)
  return read({ schema, env, refuse }, schema, document.contents as Place, '') as Infer<S>
}

type Place = Node | null | undefined

/** The file that is read. */
interface Reading {
  /** Of the whole file. */
  schema: Schema
  env: NodeJS.ProcessEnv
  /** Throws, with the line of the node. */
  refuse(node: Place, message: string): never
}

/** @param parent the node above: its line is reported when the value is missing */
function read(reading: Reading, rule: Schema, node: Place, path: string, parent = node): unknown {
  const { env, refuse } = reading
  if (rule.kind === 'section') return readSection(reading, rule, node, path)
  if (rule.kind === 'list') return readList(reading, rule, node, path)
  if (rule.kind === 'names') return readNames(reading, rule, node, path)
  const override = rule.env === undefined ? undefined : env[rule.env]
  if (override !== undefined && override !== '') return rule.parse(override) ?? refuseVariable(rule, override)
  if (!node) return rule.fallback ?? refuse(parent, `${path} is missing`)
  const value = isScalar(node) ? node.value : undefined
  return rule.parse(value) ?? refuse(node, `${path} must be ${rule.wanted}, not ${shown(node)}`)
}

function readSection(reading: Reading, rule: Section<Record<string, unknown>>, node: Place, path: string) {
  const { schema, refuse } = reading
  if (node && !isMap(node) && !isNull(node))
    refuse(node, `${path || 'the file'} must hold keys, not ${shown(node)}`)
  for (const pair of isMap<Node, Node>(node) ? node.items : []) {
    const key = String(isScalar(pair.key) ? pair.key.value : pair.key)
    if (!Object.hasOwn(rule.keys, key)) refuse(pair.key, unknownKey(key, path, pathsOf(schema)))
  }
  const child = (key: string) => (isMap(node) ? (node.get(key, true) as Place) : undefined)
  const entries = Object.entries(rule.keys)
  return Object.fromEntries(
    entries.map(([key, part]) => [key, read(reading, part, child(key), path ? `${path}.${key}` : key, node)]),
  )
}

function readList(reading: Reading, rule: List<unknown>, node: Place, path: string) {
  if (!node) return [...rule.fallback]
  if (isNull(node)) return []
  if (!isSeq<Node>(node)) return reading.refuse(node, `${path} must be a list, not ${shown(node)}`)
  return node.items.map((item, index) => read(reading, rule.item, item, `${path}[${index}]`))
}

function readNames({ refuse }: Reading, rule: Names, node: Place, path: string) {
  if (!node || isNull(node)) return {}
  if (!isMap<Node, Node>(node)) return refuse(node, `${path} must hold NAME: value pairs, not ${shown(node)}`)
  return Object.fromEntries(
    node.items.map(({ key, value }) => {
      const name = String(isScalar(key) ? key.value : key)
      if (!rule.name.test(name)) refuse(key, `${path}.${name} is not a name that fits here`)
      if (!isScalar(value)) refuse(key, `${path}.${name} must be a single value`)
      // The text of the file: read as a number, 1.10 would become 1.1.
      const { source, value: text } = value as Scalar
      return [name, typeof text === 'string' ? text : (source ?? '')]
    }),
  )
}

/** The default of every key. */
export function defaults<S extends Schema>(schema: S): Infer<S> {
  return parseConfig(schema, '', 'defaults', {})
}

/** The state after a mistake in the configuration. */
export const UNTOUCHED = 'nothing was contacted or changed.'

const isNull = (node: Node) => isScalar(node) && node.value === null

/** The path of every key of a schema: `app.replicas`. */
function pathsOf(schema: Schema, above = ''): string[] {
  if (schema.kind === 'list') return pathsOf(schema.item, above)
  if (schema.kind !== 'section') return []
  return Object.entries(schema.keys as Record<string, Schema>).flatMap(([key, part]) => {
    const name = above ? `${above}.${key}` : key
    return [name, ...pathsOf(part, name)]
  })
}

function refuseVariable(rule: Leaf<unknown>, value: string): never {
  const next = 'Correct it in .env or in the environment.'
  throw new OperatorError(`The variable ${rule.env} must be ${rule.wanted}, not “${value}”`, next, UNTOUCHED)
}

function shown(node: Node): string {
  return isScalar(node) ? `“${String(node.value)}”` : isSeq(node) ? 'a list' : 'a map'
}
