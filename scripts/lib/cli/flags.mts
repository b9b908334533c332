/** The flags of a script, by node's own parser. */
import process from 'node:process'
import { type ParseArgsConfig, parseArgs } from 'node:util'
import { WrongCall } from './errors.mts'
import { nearest } from './nearest.mts'

/** The flag with its dashes. */
const typed = (flag: string) => (flag.length > 1 ? `--${flag}` : `-${flag}`)

/**
 * Reads the flags of this run. A script takes the flags that have a line in its usage; a flag with a value has a word in
 * capitals after it there.
 * @param command whether the arguments from the first word on are a command, and no flags of the script
 */
export function parseFlags(usage: string, command: boolean) {
  const named = [...usage.matchAll(/^ {2}--?([a-z][a-z-]*)( [A-Z])?/gm)]
  const flags = named.map(([, flag = '', value]) => [flag, kindOf(flag, value !== undefined)] as const)
  const options = Object.fromEntries(flags)
  // zx gets the script's path as an argument.
  const given = process.argv.slice(process.argv.findIndex((word) => word.endsWith('.mts')) + 1)
  const end = command ? firstWord(given, options) : given.length
  const { values, positionals } = strictly(given.slice(0, end), options)
  for (const [flag, value] of Object.entries(values).filter(([flag]) => options[flag]?.multiple)) {
    const [only, more] = value as unknown as string[]
    if (!only || more) throw new WrongCall(`${typed(flag)} needs one value`)
    values[flag] = only
  }
  return { values, words: [...positionals, ...given.slice(end)] }
}

type Flags = NonNullable<ParseArgsConfig['options']>

const kindOf = (flag: string, value: boolean): Flags[string] => ({
  ...(value ? { type: 'string', multiple: true } : { type: 'boolean', default: false }),
  ...(flag.length === 1 && { short: flag }),
})

/** The index of the first argument that is no flag and no value of one. */
function firstWord(args: string[], options: Flags): number {
  const { tokens } = parseArgs({ args, options, strict: false, allowPositionals: true, tokens: true })
  return tokens.find(({ kind }) => kind === 'positional')?.index ?? args.length
}

/** @throws WrongCall for an unknown flag, a missing value or a value too many */
function strictly(args: string[], options: Flags) {
  try {
    return parseArgs({ args, options, allowPositionals: true })
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const flag = /'(-[^ ',=]*)/.exec(message)?.[1] ?? ''
    const name = flag.replace(/^-+/, '')
    const near = `is not a flag of this script; the nearest is ${typed(nearest(name, Object.keys(options)) ?? 'help')}`
    const value = options[name]?.type === 'boolean' ? 'takes no value' : 'needs one value'
    throw new WrongCall(`${flag} ${code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION' ? near : value}`)
  }
}
