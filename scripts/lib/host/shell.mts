/** Bash scripts as template literals: values are quoted, so that no value can become a command. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { inspect } from 'node:util'
import { quote } from 'zx'

/** A value that may be sent to the server but never shown: printed or logged it reads [redacted]. */
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

/** Text of a script that is already bash and is put in as it stands. */
export class Script {
  constructor(readonly text: string) {}
  toString(): string {
    return this.text
  }
  /** What console.log shows: a script may hold a secret. */
  [inspect.custom](): string {
    return `Script of ${this.text.length} characters`
  }
}

type Value = string | number | boolean | Secret | Script | readonly (string | number)[]

/**
 * bash`chown ${owner} ${path}`: every value arrives as one word whatever it holds, a list as one word each,
 * a Script as it is. Backslashes mean what they mean in bash.
 */
export function bash(strings: TemplateStringsArray, ...values: Value[]): Script {
  const pieces = strings.raw.map((text, index) => {
    const plain = text.replaceAll('\\`', '`').replaceAll('\\${', '${')
    return index < values.length ? plain + word(values[index] as Value) : plain
  })
  return new Script(pieces.join(''))
}

/** The script scripts/remote/NAME.sh, its parameters set in front of it; a list is an array. */
export function remote(name: string, parameters: Record<string, Exclude<Value, Script>> = {}): Script {
  const set = Object.entries(parameters).map(([key, value]) =>
    typeof value === 'object' && !(value instanceof Secret)
      ? bash`${new Script(key)}=(${value})`
      : bash`${new Script(key)}=${value}`,
  )
  const file = path.join(import.meta.dirname, '../../remote', `${name}.sh`)
  return join([...set, new Script(readFileSync(file, 'utf8'))])
}

/** Several scripts one after the other. */
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
