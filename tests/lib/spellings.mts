/** Ways to write the path of a page: a table by hand, and mutations by chance that repeat with their seed. */
import path from 'node:path'

const hex = (letter: string) => `%${letter.charCodeAt(0).toString(16).padStart(2, '0')}`

const IN_FRONT = [
  ...['//', '///', '/./', '/x/../', '/x/y/../../', '/%2e/', '/x/%2E%2e/', '/%2F', '/%2f%2f'],
  ...['/x%2f..%2f', '/x%2F%2E.%2F', '/../', '/.//', '/;a=b/', '/;/', '/x;/../', '/..;/'],
  ...[
    '/%5c',
    '/\\',
    '/x\\..\\',
    '/%00/',
    '/%09',
    '/%20',
    '/%0d%0a',
    '/%c0%af',
    '/%e0%80%af',
    '/%ef%bc%8f',
    '/%u002f',
  ],
]

const BEHIND = [
  ...['/', '//', '/x', '/.', '/..', '/x/..', '?', '?a=b', ';a=b', ';', '#x', '.', '..', '/../'],
  ...[
    '%2F',
    '%2f..%2f',
    '%3F',
    '%23',
    '%00',
    '%00.html',
    '%20',
    '%09',
    '%0d%0a',
    '.json',
    '%2e',
    '\\',
    '%5C',
  ],
  ...['~', '%C0%AF', '%', '%zz', '%ff', '!', ',', ':', '@', '*', "'", '"', '|', '%7f', '%c2%a0', '%e2%80%8b'],
]

/** For the clients of a proxy that tidies up and of one that does not. */
export function spellings(page: string): string[] {
  const [first = '', rest] = [page[0], page.slice(1)]
  const half = `/${page.slice(0, 3)}${hex(page[3] as string)}${page.slice(4)}`
  const all = [...page].map(hex).join('')
  return [
    ...[`/${page}`, `/${hex(first)}${rest}`, `/${hex(first).toUpperCase()}${rest}`, half],
    ...[`/${all}`, `/${all.toUpperCase()}`, `/${page.toUpperCase()}`, `/${first.toUpperCase()}${rest}`],
    ...[
      `/${page.replaceAll('-', '%2d')}`,
      `/${page.replaceAll('-', '%2D')}`,
      `/${page.replaceAll('-', '_')}`,
    ],
    // Decoded twice or thrice, as overlong UTF-8, in full-width letters, in IIS's own encoding.
    ...[
      `/%25${hex(first).slice(1)}${rest}`,
      `/%2525${hex(first).slice(1)}${rest}`,
      `/%${hex(hex(first)[1] as string)}${rest}`,
    ],
    ...[`/${overlong(first)}${rest}`, `/${fullWidth(first)}${rest}`, `/%u00${hex(first).slice(1)}${rest}`],
    ...IN_FRONT.map((front) => `${front}${page}`),
    ...BEHIND.map((end) => `/${page}${end}`),
    ...[
      `https://localhost/${page}`,
      `http://localhost//${page}/`,
      `https://other.example/${half.slice(1)}`,
      page,
    ],
  ]
}

/** In two bytes where one is enough. */
const overlong = (letter: string) => {
  const code = letter.charCodeAt(0)
  return `%${(0xc0 | (code >> 6)).toString(16)}%${(0x80 | (code & 0x3f)).toString(16)}`
}

const fullWidth = (letter: string) =>
  encodeURIComponent(String.fromCharCode(letter.charCodeAt(0) - 0x21 + 0xff01)).toLowerCase()

const ODD = [
  ...'/.;\\?#&=~:@*+,!\'()|^{}[]"<>%-_0aZ',
  '..',
  '//',
  '/./',
  '/../',
  '%00',
  '%2f',
  '%5c',
  '%2e',
  '%25',
  '%ff',
  '%c0%af',
  '%e2%80%90',
  '\x7f',
  '\xad',
  '\xff',
]

/**
 * A spelling with one to four changes.
 * @param below a number from 0 up to, but not including, its argument
 */
export function mutated(page: string, below: (limit: number) => number): string {
  const from = spellings(page)
  let text = below(2) === 0 ? `/${page}` : (from[below(from.length)] as string)
  for (let change = below(4); change >= 0; change--) {
    const at = below(text.length)
    const [before, letter, behind] = [text.slice(0, at), text[at] ?? 'x', text.slice(at + 1)]
    const odd = ODD[below(ODD.length)] as string
    text = [
      () => `${before}${hex(letter)}${behind}`,
      () => `${before}${hex(letter).toUpperCase()}${behind}`,
      () => `${before}%25${hex(letter).slice(1)}${behind}`,
      () => `${before}${overlong(letter)}${behind}`,
      () => `${before}${letter.toUpperCase()}${behind}`,
      () => `${before}${odd}${letter}${behind}`,
      () => `${before}${odd}${behind}`,
      () => `${before}${behind}`,
      () => `${before}${letter}${letter}${behind}`,
      () => `/${odd}${text}`,
      () => `${text}${odd}`,
    ][below(11)]?.() as string
  }
  // A blank or the end of a line would end the target, and what follows would be another request.
  return text.replaceAll(/[\s]/g, '%20') || '/'
}

/** The path that a web framework would see: without query and host, decoded once, dots and slashes resolved. */
export function seenAs(target: string): string {
  const [page = ''] = target.replace(/^https?:\/\/[^/]*/, '').split('?')
  const decoded = page.replace(/%([0-9a-f]{2})/gi, (_, code) =>
    String.fromCharCode(Number.parseInt(code, 16)),
  )
  return path.posix.normalize(decoded)
}
