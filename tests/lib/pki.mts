/** Certificates for tests: a root, an intermediate below it, leaves, and what is wrong with each in one respect. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { $ } from 'zx'

export interface Pair {
  /** PEM, the issuers behind the leaf as they were given. */
  certificate: string
  key: string
}

export interface Leaf {
  /** As subjectAltName wants them. */
  names?: string
  /** When it ends, from now; negative for one that has ended. */
  days?: number
  /** More lines of the extensions section. */
  more?: string
}

const quiet = $({ quiet: true })

export class Pki {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'prusa-pki-'))
  #number = 0

  /** PEM of the root, and of the intermediate that signs the leaves. */
  root = ''
  intermediate = ''

  static async make(): Promise<Pki> {
    const pki = new Pki()
    const ca = 'basicConstraints=critical,CA:true\nkeyUsage=critical,keyCertSign,cRLSign'
    pki.root = (await pki.#sign('root', 'Test Root', { days: 900 }, ca)).certificate
    pki.intermediate = (
      await pki.#sign('intermediate', 'Test Intermediate', { days: 800 }, ca, 'root')
    ).certificate
    return pki
  }

  /** A pair as a CA hands it out: the leaf, and the intermediate behind it. */
  async issued(leaf: Leaf = {}): Promise<Pair> {
    const pair = await this.leaf(leaf)
    return { ...pair, certificate: pair.certificate + this.intermediate }
  }

  /** The leaf alone. */
  leaf(leaf: Leaf = {}): Promise<Pair> {
    return this.#sign(`leaf${this.#number++}`, 'Test Leaf', leaf, leafExtensions(leaf), 'intermediate')
  }

  selfSigned(leaf: Leaf = {}): Promise<Pair> {
    return this.#sign(`self${this.#number++}`, 'Test Self', leaf, leafExtensions(leaf))
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }

  async #sign(
    name: string,
    cn: string,
    { days = 90 }: Leaf,
    extensions: string,
    issuer?: string,
  ): Promise<Pair> {
    const file = (kind: string, of = name) => path.join(this.folder, `${of}.${kind}`)
    writeFileSync(file('ext'), extensions)
    await quiet`openssl genpkey -algorithm ec -pkeyopt ec_paramgen_curve:prime256v1 -out ${file('key')}`
    await quiet`openssl req -new -key ${file('key')} -subj ${`/CN=${cn}`} -out ${file('csr')}`
    const signer = issuer
      ? ['-CA', file('pem', issuer), '-CAkey', file('key', issuer), '-CAcreateserial']
      : ['-signkey', file('key')]
    await quiet`openssl x509 -req -in ${file('csr')} -days ${days} -sha256 -extfile ${file('ext')} ${signer} -out ${file('pem')}`
    return { certificate: readFileSync(file('pem'), 'utf8'), key: readFileSync(file('key'), 'utf8') }
  }
}

function leafExtensions({ names = 'DNS:site.test,DNS:localhost', more = '' }: Leaf): string {
  return `keyUsage=digitalSignature\nextendedKeyUsage=serverAuth\nsubjectAltName=${names}\n${more}`
}
