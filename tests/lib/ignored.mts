/** Names and patterns to ask both our reading of .dockerignore and Docker itself about. */
import path from 'node:path'
import { Dockerignore, type Judgement } from '../../scripts/lib/images/dockerignore.mts'

export const NAMES = [
  ...[
    'a',
    'a b',
    'a.log',
    'a$b',
    'a+b',
    'ab',
    'Foo.py',
    'foo.py',
    'b.txt',
    'é.txt',
    'x[1].txt',
    'star*',
    'back\\slash',
    '!bang',
  ],
  ...[
    '#hash',
    '...',
    '..foo/a',
    'sub/a',
    'sub/a.log',
    'sub/b.txt',
    'sub/deep/a',
    'sub/deep/x.log',
    'sub2/deep/er/a.log',
  ],
  ...[
    'keep/a.log',
    'keep/me.txt',
    'node_modules/m/a.log',
    'node_modules/m/index.js',
    'logs/today/x',
    '.config/x',
  ],
]

/** Found by drawing some hundred at random: these tell readings apart that are easily taken for the same. */
export const PATTERNS = [
  'foo.py\nsub',
  '*\n!sub\nsub/*.log',
  '*\n!**/*.log\n**/x.log',
  '**/a\n**/*.txt\n!keep/**',
  'sub/**\n!sub/deep',
  '**b\na**',
  './**b\n ./**/a \n! **b ',
  'keep/[a-c]*\n! * \n*.txt',
  '/node_modules/\nlogs/*\n*/*/a.log',
  '[^a]*\n!sub*\nx\\[1\\].txt',
  'a$b\na+b\nstar\\*\n\\#hash\n#hash\n\\!bang\nback\\\\slash\né.txt',
  'sub/**/a\n..foo\n...\n?',
  '.*\n*/a\n!*/deep/..',
]

/** Those of the names, parents of files first, that are not left out. */
export function taken(text: string, names: readonly string[] = NAMES): string[] {
  const rules = new Dockerignore(text)
  const judged = (name: string): Judgement =>
    rules.judge(name, name.includes('/') ? judged(path.posix.dirname(name)) : undefined)
  return names.filter((name) => !judged(name).out)
}
