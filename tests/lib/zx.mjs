/**
 * zx for the tests: `node tests/lib/zx.mjs scripts/NAME.mts …`. It gives zx one file of JavaScript, in which esbuild has
 * put the script and all that it imports, and keeps this file until one of its sources changes. A start takes 0.2 s of
 * processor time, by loader.mjs 0.36 s, and the tests start a script some 500 times.
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { pathToFileURL } from 'node:url'

const ROOT = path.join(import.meta.dirname, '../..')
const KEPT = path.join(ROOT, 'node_modules/.cache/bundled')

const zx = path.join(ROOT, 'node_modules/zx/build/cli.js')
const [, , script, ...words] = process.argv
// The script finds its flags behind its own name.
process.argv = [process.execPath, zx, await bundled(path.resolve(script)), script, ...words]
await import(zx)

/** The file with the script and all that it imports; made anew when one of its sources has changed. */
async function bundled(entry) {
  const list = path.join(KEPT, `${digest([entry])}.json`)
  try {
    const sources = JSON.parse(readFileSync(list, 'utf8'))
    const texts = sources.map((source) => readFileSync(source, 'utf8'))
    const file = fileOf(entry, texts)
    if (existsSync(file)) return file
  } catch {
    // There is no list yet, or a source has gone.
  }
  return await bundle(entry, list)
}

async function bundle(entry, list) {
  const { build } = await import('esbuild')
  const read = new Map()
  const keepPlaces = {
    name: 'a module keeps its own place',
    setup: ({ onLoad }) =>
      onLoad({ filter: /\.mts$/ }, ({ path: source }) => {
        const text = readFileSync(source, 'utf8')
        read.set(source, text)
        const contents = text
          .replaceAll('import.meta.url', JSON.stringify(pathToFileURL(source).href))
          .replaceAll('import.meta.dirname', JSON.stringify(path.dirname(source)))
        return { loader: 'ts', contents }
      }),
  }
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    // zx itself has it already.
    external: ['zx'],
    // For packages that call require().
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
    plugins: [keepPlaces],
  })
  const file = fileOf(entry, [...read.values()])
  put(file, outputFiles[0].text)
  put(list, JSON.stringify([...read.keys()]))
  return file
}

function put(file, text) {
  mkdirSync(KEPT, { recursive: true })
  writeFileSync(`${file}.${process.pid}`, text)
  renameSync(`${file}.${process.pid}`, file)
}

/** @param texts of all sources; how they were put together makes another file, too */
function fileOf(entry, texts) {
  return path.join(KEPT, `${digest([readFileSync(import.meta.filename, 'utf8'), entry, ...texts])}.mjs`)
}

function digest(texts) {
  const hash = createHash('sha256')
  for (const text of texts) hash.update(text)
  return hash.digest('hex')
}
