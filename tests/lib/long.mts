/** What only `npm run test:long` runs: what takes long and shows one more case of what a test of `npm test` shows. */
import process from 'node:process'
import { test } from 'node:test'

export const LONG = process.env.LONG !== undefined

/** `test` with --long, and nothing without. */
export const testLong = LONG ? test : async () => {}
