/** What README.md, CONTRIBUTING.md and docs/ name is there: commands with their flags, files, tests, headings. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, test } from 'node:test'
import { glob } from 'zx'
import { ROOT } from '../../scripts/lib/config/config.mts'

const PAGES = await glob('{*,docs/*}.md', { cwd: ROOT })
const read = (file: string) => readFileSync(path.join(ROOT, file), 'utf8')

const NPM: Record<string, string> = JSON.parse(read('package.json')).scripts
/** What `begin` of scripts/lib/run.mts adds to each usage. */
const COMMON = ['--host', '--config', '--verbose', '--help']

for (const page of PAGES)
  describe(page, () => {
    const text = read(page)

    test('commands are there, with the flags that it gives them', () => {
      assert.deepEqual(commandsIn(text).flatMap(wrongIn), [])
    })

    test('files are there', () => {
      assert.deepEqual(
        filesIn(text).filter((file) => !isThere(file)),
        [],
      )
    })

    test('links lead somewhere', () => {
      const links = [...text.matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g)]
      const dead = links.filter(([, file = '', heading]) => {
        const target = path.join(path.dirname(page), file || path.basename(page))
        return !existsSync(path.join(ROOT, target)) || (heading && !headings(target).includes(heading))
      })
      assert.deepEqual(
        dead.map(([link]) => link),
        [],
      )
    })
  })

test('docs/operations.md: what you see is what the code says', async () => {
  const code = (await glob('scripts/**/*.mts', { cwd: ROOT })).map(read).join('')
  const seen = [...read('docs/operations.md').matchAll(/^(?:### |\| )((?:[^|\n]*`){2}.*?)(?: \||$)/gm)]
  const words = seen.flatMap(([, cell = '']) =>
    [...cell.matchAll(/`([^`]*)`/g)].flatMap(([, text = '']) => text.split('…')),
  )
  const absent = words.filter((part) => part.trim().length > 3 && !code.includes(part.trim()))
  assert.deepEqual(absent, [])
})

/** Calls of the scripts, in running text and in blocks. */
const commandsIn = (text: string) =>
  [...text.matchAll(/(?:npm run [a-z][\w:-]*|npx zx scripts\/[\w-]+\.mts)[^`\n|&#;]*/g)].map(([call]) => call)

function wrongIn(call: string): string[] {
  const [, name = '', file = ''] = /^(?:npm run ([\w:-]+)|npx zx (scripts\/[\w-]+\.mts))/.exec(call) ?? []
  const script = file || /^zx (scripts\/\S+)$/.exec(NPM[name] ?? '')?.[1]
  if (!file && !NPM[name]) return [`${call}: no such command`]
  if (!script) return []
  if (!existsSync(path.join(ROOT, script))) return [`${call}: no such script`]
  const usage = read(script)
  // What comes behind `npm run run --` is another program's.
  const flags = script === 'scripts/run.mts' ? [] : (call.match(/(?<= )--?[a-z][a-z-]*/g) ?? [])
  return flags
    .filter((flag) => !COMMON.includes(flag) && !usage.includes(`\n  ${flag} `))
    .map((flag) => `${call}: no flag ${flag}`)
}

/** What looks like a file of this repository, or like a test: `stack/doors`. */
const filesIn = (text: string) =>
  [...text.matchAll(/`([\w.-]+(?:\/[\w.-]+)*\/?)`/g)]
    .map(([, name = '']) => name)
    .filter((name) => !name.includes('NAME'))
    .filter((name) =>
      /^(unit|stack|server)\/[\w-]+$|\/[\w-]+\.(mts|sh|pl|ya?ml|md|cfg|conf|sql|lua|py)$/.test(name),
    )

const isThere = (name: string) =>
  [name, `scripts/lib/${name}`, `tests/${name}.test.mts`, `tests/${name}.long.mts`].some((file) =>
    existsSync(path.join(ROOT, file)),
  )

/** As GitHub makes anchors of them. */
const headings = (file: string) =>
  [...read(file).matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
