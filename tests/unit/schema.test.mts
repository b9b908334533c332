/** The schema of configuration files: single values, sections, lists, maps with names of the operator's choice. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  choice,
  defaults,
  flag,
  integer,
  list,
  names,
  parseConfig,
  section,
  text,
} from '../../scripts/lib/config/schema.mts'
import { refusal } from '../lib/refusal.mts'

const schema = section({
  word: text('a word', /^[a-z]+$/, 'hello', 'WORD'),
  number: integer(0, 9, 0, 'NUMBER'),
  kind: choice(['a', 'b'], 'a', 'KIND'),
  on: flag(true, 'ON'),
  inner: section({ deep: integer(1, 3, 2) }),
  items: list(text('a letter', /^[a-z]$/)),
  extra: names(/^[A-Z]+$/),
})
const read = (yaml: string, env = {}) => parseConfig(schema, yaml, 'file.yaml', env)
const DEFAULTS = { word: 'hello', number: 0, kind: 'a', on: true, inner: { deep: 2 }, items: [], extra: {} }

test('a key that the file does not hold has its default', () => {
  assert.deepEqual(defaults(schema), DEFAULTS)
  assert.deepEqual(read('inner:\nextra:\n'), DEFAULTS)
})

test('the values of the file are read', () => {
  const yaml =
    'word: bye\nnumber: 9\nkind: b\non: false\ninner: {deep: 3}\nitems: [x, y]\nextra: {A: 1, B: , C: true}'
  assert.deepEqual(read(yaml), {
    word: 'bye',
    number: 9,
    kind: 'b',
    on: false,
    inner: { deep: 3 },
    items: ['x', 'y'],
    extra: { A: '1', B: '', C: 'true' },
  })
})

test('a variable overrides the file and is checked by the same rule', () => {
  const env = { WORD: 'env', NUMBER: '7', KIND: 'b', ON: 'false' }
  assert.deepEqual(read('word: file\nnumber: 1\non: true', env), {
    ...DEFAULTS,
    word: 'env',
    number: 7,
    kind: 'b',
    on: false,
  })
  assert.equal(read('word: file', { WORD: '' }).word, 'file')
  for (const [name, value] of Object.entries({ WORD: 'No', NUMBER: '10', KIND: 'c', ON: 'yes' }))
    assert.match(
      refusal(() => read('', { [name]: value })),
      new RegExp(`✗ The variable ${name} must be .*, not “${value}”`),
    )
})

test('a key without a default must be in the file', () => {
  const needy = section({ name: text('a name', /./) })
  assert.match(
    refusal(() => parseConfig(needy, '', 'f.yaml', {})),
    /✗ f\.yaml, line 1: name is missing\n/,
  )
})

describe('a mistake is refused with file and line', () => {
  for (const [yaml, message] of [
    ['word: hello\nnumber: -1', 'line 2: number must be a whole number from 0 to 9, not “-1”'],
    ['number: "1 "', 'line 1: number must be a whole number from 0 to 9, not “1 ”'],
    ['on: 1', 'line 1: on must be true or false, not “1”'],
    ['kind: [a]', 'line 1: kind must be one of a, b, not a list'],
    ['word: {a: b}', 'line 1: word must be a word, not a map'],
    ['items:\n  - x\n  - yy', 'line 3: items[1] must be a letter, not “yy”'],
    [
      'inner:\n  deep: 2\n  depe: 1',
      'line 3: unknown key “depe” under inner; the nearest known one is “deep”',
    ],
    [
      'word: a\n---\nword: b',
      'line 2: Source contains multiple documents; please use YAML.parseAllDocuments()',
    ],
  ] as const)
    test(JSON.stringify(yaml), () => {
      assert.ok(
        refusal(() => read(yaml)).startsWith(`\n✗ file.yaml, ${message}\n`),
        refusal(() => read(yaml)),
      )
    })

  test('an unknown key that every JavaScript object has', () => {
    for (const key of ['constructor', 'toString', '__proto__'])
      assert.match(
        refusal(() => read(`${key}: 1`)),
        new RegExp(`✗ file\\.yaml, line 1: unknown key “${key}”`),
      )
  })
})
