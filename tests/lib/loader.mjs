/**
 * Lets node import TypeScript: `node --import=…/loader.mjs`. It transforms a file by esbuild, as tsx does, and keeps the
 * result: a file of tests starts with 0.3 s of processor time less than with tsx.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { register } from 'node:module'
import path from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { isMainThread } from 'node:worker_threads'

// Node runs the hooks in a thread of their own.
if (isMainThread) {
  register(import.meta.url)
  // tests/run.mts says it to the files of tests. Their scripts need it no more (zx.mjs).
  delete process.env.NODE_OPTIONS
}

const KEPT = path.join(import.meta.dirname, '../../node_modules/.cache/transformed')

/** One of node's hooks (node:module, customization hooks). */
export async function load(url, context, nextLoad) {
  if (!url.startsWith('file:') || !url.endsWith('.mts')) return await nextLoad(url, context)
  const source = readFileSync(fileURLToPath(url), 'utf8')
  return { format: 'module', shortCircuit: true, source: await transformed(source) }
}

async function transformed(source) {
  const file = path.join(KEPT, createHash('sha256').update(source).digest('hex'))
  try {
    return readFileSync(file, 'utf8')
  } catch {
    const { transform } = await import('esbuild')
    const { code } = await transform(source, { loader: 'ts', format: 'esm', target: 'node20' })
    mkdirSync(KEPT, { recursive: true })
    writeFileSync(`${file}.${process.pid}`, code)
    renameSync(`${file}.${process.pid}`, file)
    return code
  }
}
