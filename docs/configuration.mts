/** Makes docs/configuration.md from the comments of config/*.yaml: `npm run docs`. A test tells when the page is not current. */
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { isMap, isScalar, isSeq, type Pair, parseDocument, type Scalar, stringify, type YAMLMap } from 'yaml'
import { ROOT, serverSchema, stackSchema } from '../scripts/lib/config/config.mts'
import type { Schema } from '../scripts/lib/config/schema.mts'

const PAGE = path.join(import.meta.dirname, 'configuration.md')

/** The page as it should be. */
export function configurationPage(): string {
  const read = (name: string) => readFileSync(path.join(ROOT, 'config', name), 'utf8')
  return `# Configuration

<!-- Made by \`npm run docs\` from the comments of config/*.yaml. Change those, not this page. -->

Two files in \`config/\` hold every setting. A variable overrides one key; it stands in \`.env\` (see \`.env.example\`) or in the environment. An unknown key or a wrong value is refused before anything is contacted, with file, line and the nearest known key.

## config/stack.yaml: what runs

A key that is left out has the value of this table.

${keyTable(read('stack.yaml'), stackSchema)}

## config/server.yaml: how the server is prepared

${keyTable(read('server.yaml'), serverSchema)}
`
}

/** The keys of a file as a table in Markdown, one a line. */
export function keyTable(yaml: string, schema: Schema): string {
  const file = parseDocument(yaml).contents as YAMLMap<Scalar<string>>
  const rows = rowsOf(file, schema, '')
  const lines = [['key', 'value', 'variable', 'what it is'], ['---', '---', '---', '---'], ...rows]
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function rowsOf(map: YAMLMap<Scalar<string>>, schema: Schema | undefined, above: string): string[][] {
  return map.items.flatMap((pair, index) => {
    const { key, value } = pair
    // The parser gives the comment of the first key to the map; what stands before a blank line is about the whole file.
    const comment = (key.commentBefore ?? (index === 0 ? map.commentBefore : '') ?? '')
      .split('\n\n')
      .at(-1) as string
    const inner = schemaOf(schema, key.value)
    const below = mapOf(pair)
    const variable = inner?.kind === 'leaf' && inner.env ? `\`${inner.env}\`` : ''
    const own = [`\`${above}${key.value}\``, below ? '' : shown(value), variable, prose(comment)]
    return [
      ...(below && !comment ? [] : [own]),
      ...(below ? rowsOf(below, inner, `${above}${key.value}${isSeq(value) ? '[]' : ''}.`) : []),
    ]
  })
}

/** The keys under a key: of a section, or of the first entry of a list. */
function mapOf({ value }: Pair): YAMLMap<Scalar<string>> | undefined {
  const map = isSeq(value) ? value.items[0] : value
  return isMap<Scalar<string>>(map) && map.items.length > 0 ? map : undefined
}

function schemaOf(schema: Schema | undefined, key: string): Schema | undefined {
  if (schema?.kind === 'list') return schemaOf(schema.item, key)
  return schema?.kind === 'section' ? (schema.keys as Record<string, Schema>)[key] : undefined
}

function shown(value: unknown): string {
  const plain = isScalar(value) ? value.value : value
  if (plain === '') return 'empty'
  return `\`${stringify(plain, { collectionStyle: 'flow', lineWidth: 0, flowCollectionPadding: false }).trim()}\``
}

/** A comment as a cell. A line of two blanks, a word and two blanks begins an alternative; a variable has a column of its own. */
function prose(comment: string): string {
  const lines = comment.replaceAll(/ *\[[A-Z][A-Z_]*\]/g, '').split('\n')
  const parts = lines.map((line) => line.replace(/^ {3}(\S+) {2,}/, '<br>• `$1`: ').replace(/^ +/, ' '))
  return parts.join('').trim().replaceAll('|', '\\|')
}

const started = process.argv.slice(1).find((word) => word.endsWith('.mts'))
if (started && path.resolve(started) === import.meta.filename) writeFileSync(PAGE, configurationPage())
