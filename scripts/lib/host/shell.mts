/** Bash scripts as template literals. Values are quoted, so no value can become a command. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { inspect } from 'node:util'
import { quote } from 'zx'

/** A value that is sent to the server but never shown: as text it is [redacted]. */
export class Secret {
  readonly #value: string
  constructor(value: string) {
    this.#value = value
  }
  reveal(): string {
    return this.#value
  }
  toString(): string {
    return '[redacted]'
  }
  toJSON(): string {
    return '[redacted]'
  }
  [inspect.custom](): string {
    return '[redacted]'
  }
}

/** Text that is bash already. A template takes it unchanged. */
export class Script {
  constructor(readonly text: string) {}
  toString(): string {
    return this.text
  }
  /** The text for console.log: a script may hold a secret. */
  [inspect.custom](): string {
    return `Script of ${this.text.length} characters`
  }
}

type Value = string | number | boolean | Secret | Script | readonly (string | number)[]

/**
 * bash`chown ${owner} ${path}`: each value becomes one word, whatever it holds. A list becomes a word for each item. A
 * Script stays as it is. Backslashes have their meaning in bash.
 */
export function bash(strings: TemplateStringsArray, ...values: Value[]): Script {
  const pieces = strings.raw.map((text, index) => {
    const plain = text.replaceAll('\\`', '`').replaceAll('\\${', '${')
    return index < values.length ? plain + word(values[index] as Value) : plain
  })
  return new Script(pieces.join(''))
}

/** The script scripts/remote/NAME.sh, after the assignments of its parameters. A list becomes an array. */
export function remote(name: string, parameters: Record<string, Exclude<Value, Script>> = {}): Script {
  const set = Object.entries(parameters).map(([key, value]) =>
    typeof value === 'object' && !(value instanceof Secret)
      ? bash`${new Script(key)}=(${value})`
      : bash`${new Script(key)}=${value}`,
  )
  return join([...set, new Script(remoteText(`${name}.sh`))])
}

/** The text of a file in scripts/remote/: `logs.pl`. */
export function remoteText(file: string): string {
  return readFileSync(path.join(import.meta.dirname, '../../remote', file), 'utf8')
}

/** One script that runs several, one after the other. */
export function join(scripts: Script[]): Script {
  return new Script(scripts.map((script) => script.text).join('\n'))
}

function word(value: Value): string {
  if (value instanceof Script) return value.text
  if (value instanceof Secret) return quoted(value.reveal())
  if (typeof value === 'object') return value.map((item) => quoted(String(item))).join(' ')
  return quoted(String(value))
}

function quoted(text: string): string {
  return text === '' ? "''" : quote(text)
}
