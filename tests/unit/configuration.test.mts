/** docs/configuration.md is made from the comments of config/*.yaml. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { configurationPage, keyTable } from '../../docs/configuration.mts'
import { ROOT } from '../../scripts/lib/config/config.mts'
import { choice, integer, list, section, text } from '../../scripts/lib/config/schema.mts'

test('the page is current; npm run docs makes it', () => {
  assert.equal(readFileSync(path.join(ROOT, 'docs/configuration.md'), 'utf8'), configurationPage())
})

test('each key is a line with its value, its variable and its comment', () => {
  const schema = section({
    mode: choice(['fast', 'slow'], 'fast', 'MODE'),
    app: section({ name: text('a name', /./, ''), size: integer(1, 9, 2, 'SIZE') }),
    users: list(section({ name: text('a name', /./) })),
  })
  const yaml = `# About the whole file.

# How it runs. [MODE]
#   fast  in a hurry,
#         a|b
#   slow  not so
mode: fast

# What it runs.
app:
  # Its name,
  # in one word.
  name: ""
  # How large. [SIZE]
  size: 2

# Who logs in.
users:
  - name: anna
  - name: ben
`
  assert.equal(
    keyTable(yaml, schema),
    `\
| key | value | variable | what it is |
| --- | --- | --- | --- |
| \`mode\` | \`fast\` | \`MODE\` | How it runs.<br>• \`fast\`: in a hurry, a\\|b<br>• \`slow\`: not so |
| \`app\` |  |  | What it runs. |
| \`app.name\` | empty |  | Its name, in one word. |
| \`app.size\` | \`2\` | \`SIZE\` | How large. |
| \`users\` |  |  | Who logs in. |
| \`users[].name\` | \`anna\` |  |  |`,
  )
})
