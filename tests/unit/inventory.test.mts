import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseInventory } from '../../scripts/lib/stack/inventory.mts'

test('parts that deploy makes again, and the data', () => {
  const output = [
    'container\tprusa-app-1',
    'container\tprusa-db-1',
    'network\tprusa_frontend',
    'image\tprusa/app:9dbc',
    'volume\tprusa_db\t48M',
    ...['secrets', 'compose', 'haproxy', 'history.jsonl', 'lock', 'images', 'backup'].map(
      (name) => `file\t${name}`,
    ),
    'timer',
    'saved\tprusa-20261126-030000.age',
  ].join('\n')
  assert.deepEqual(parseInventory(output), {
    stack: ['2 containers', '1 network', '1 image', 'its files'],
    data: ['the volume prusa_db (48M)', 'the passwords', 'the history'],
    backups: ['the backups'],
    saved: true,
    timer: true,
  })
})

test('an empty server, and what is left of a removed stack', () => {
  assert.deepEqual(parseInventory(''), { stack: [], data: [], backups: [], saved: false, timer: false })
  const kept = parseInventory('file\tsecrets\nfile\tlock\nfile\tlock.holder\nfile\timages\nfile\tnginx\n')
  assert.deepEqual([kept.stack, kept.data], [[], ['the passwords', 'the certificate']])
})
