/**
 * A CA's certificate by ACME (tls: letsencrypt). One script on the server orders and renews it with certbot in a
 * container. Deploy and the server's timer both run it: it does what is due.
 */
import { OperatorError } from '../cli/errors.mts'
import { day } from '../cli/time.mts'
import { isSwarm, type StackConfig } from '../config/config.mts'
import { UNTOUCHED } from '../config/schema.mts'
import type { Host } from '../host/host.mts'
import { mutex, taking } from '../host/lock.mts'
import { bash, join, remote, type Script } from '../host/shell.mts'
import { digest } from '../images/source.mts'
import { ensureTimer, type Timed } from '../server/timer.mts'
import { containerOf } from '../stack/stack.mts'
import { type AcmeFailure, explainFailure } from './acme-failure.mts'
import { readFacts, takeOver } from './certificate.mts'
import { readConfigured } from './own-certificate.mts'
import { renewal } from './renewal.mts'
import { readCertificate } from './site.mts'

/** Seconds for one order; certbot itself waits for the CA for 90 s. */
const ORDER_DEADLINE = 300

/** Seconds for which the timer waits for the lock. */
const PATIENCE = 300

/** The result of an order. */
interface Issued {
  /** Whether the installed certificate is another one now. */
  changed: boolean
  timer: Timed
  /** Why it failed; the previous certificate is still installed then. */
  failure?: AcmeFailure
}

/** Gets the certificate unless the installed one is not due for renewal, and installs the timer that renews it. */
export async function ensureIssued(host: Host, stack: StackConfig, image: string): Promise<Issued> {
  const folder = `${stack.folder}/letsencrypt`
  const ca = readCa(stack)
  await host.run(
    'Making the folder',
    bash`mkdir -p -m 700 ${folder}; mkdir -p -m 755 ${stack.folder}/nginx/acme`,
  )
  await host.writeFiles([
    ...(ca ? [{ path: `${folder}/ca.pem`, content: ca }] : []),
    { path: `${folder}/renew`, content: renewScript(stack, image).text, mode: '700' },
  ])
  const timer = await ensureTimer(host, renewal(stack))
  const { exitCode, stdout, stderr } = await host.attempt(orderScript(stack), { deadline: ORDER_DEADLINE })
  if (exitCode !== 0) return { changed: false, timer, failure: explainFailure(stdout, stderr, stack) }
  return { changed: stdout.includes('another certificate is installed'), timer }
}

/**
 * Reports a failed order. While a CA's certificate is installed, users see no difference and the timer tries again: a
 * warning is enough. Without one, browsers warn: the run must end with exit code 1.
 * @returns the warning
 * @throws OperatorError without a CA's certificate
 */
export async function reportFailure(
  host: Host,
  stack: StackConfig,
  { what, next }: AcmeFailure,
): Promise<string> {
  const { selfSigned, issuer, ends } = readFacts(await readCertificate(host, stack))
  const until = day(ends)
  const again = 'the server tries again twice a day.'
  if (!selfSigned)
    return `The certificate of ${stack.domain} was not renewed: ${what}. The one by ${issuer} is valid until ${until}; ${again} ${next}`
  throw new OperatorError(
    `The CA issued no certificate for ${stack.domain}: ${what}`,
    `${next} Then: npx zx scripts/04-stack.mts`,
    `the site is up with its self-signed certificate, which is valid until ${until}; ${again}`,
  )
}

/** PEM of the configured CA; empty for a public one. @throws OperatorError when the file is not PEM */
export function readCa({ tls, letsencrypt }: StackConfig): string {
  if (tls !== 'letsencrypt' || letsencrypt.ca === '') return ''
  const { file, text } = readConfigured('letsencrypt.ca', letsencrypt.ca)
  if (text.includes('BEGIN CERTIFICATE')) return text
  throw new OperatorError(
    `The CA file ${file} contains no certificate in PEM form`,
    'Correct letsencrypt.ca in config/stack.yaml, or leave it empty for a public CA.',
    UNTOUCHED,
  )
}

/**
 * The script on the server. Each domain on each ACME server has its own certbot files: a staging certificate is not kept
 * when production is asked for. The next run finishes one that was interrupted: it installs what certbot has and nginx
 * has not, and reloads nginx unless the file `loaded` beside the certificate says that this is done.
 */
export function renewScript(stack: StackConfig, image: string): Script {
  const { email, directory, ca } = stack.letsencrypt
  const { project, folder, domain } = stack
  const lb = containerOf(stack, 'lb')
  const parameters = {
    state: stateOf(stack),
    image,
    bundle: ca ? `${folder}/letsencrypt/ca.pem` : '/etc/ssl/certs/ca-certificates.crt',
    domain,
    directory,
    account: email ? ['--email', email] : ['--register-unsafely-without-email'],
    deadline: ORDER_DEADLINE - 30,
  }
  const holder = bash`"root@$(hostname) since $(date -u +%FT%TZ) for the renewal of the certificate"`
  return join([
    PROGRAM,
    taking(stack, holder, bash`$(</proc/sys/kernel/random/uuid)`, PATIENCE),
    takeOver(stack),
    ...(isSwarm(stack) ? [remote('share-certificate', { project, folder, lb })] : []),
    remote('renew', parameters),
  ])
}

/** Lets a host that does not order the certificate take over the one that another host has ordered. */
export async function ensureTaken(host: Host, stack: StackConfig): Promise<void> {
  const { folder } = stack
  await host.run('Making the folder', bash`mkdir -p -m 700 ${folder}/letsencrypt ${folder}/nginx/mirrored`)
  const script = join([
    PROGRAM,
    mutex(stack, 'nginx'),
    takeOver(stack),
    remote('take-certificate', { folder, lb: containerOf(stack, 'lb') }),
  ])
  await host.writeFiles([{ path: renewal(stack).program, content: script.text, mode: '700' }])
  await ensureTimer(host, renewal(stack))
}

/** The beginning of the timer's program. */
const PROGRAM = bash`#!/bin/bash
# The server's timer runs this twice a day. By hand: renew [--force-renewal]. Written by 04-stack.
set -euo pipefail
export LC_ALL=C.UTF-8 DOCKER_CONTEXT=default
unset DOCKER_HOST
umask 022`

/** Renews; prints certbot's log if that fails. */
function orderScript(stack: StackConfig): Script {
  const log = `${stateOf(stack)}/log/letsencrypt.log`
  return bash`
begun=$(mktemp)
trap 'rm "$begun"' EXIT
UNDER_LOCK=yes ${stack.folder}/letsencrypt/renew || { code=$?; [ ! ${log} -nt "$begun" ] || cat ${log}; exit $code; }`
}

/** Folder of certbot's files for this domain and this ACME server. */
const stateOf = ({ folder, domain, letsencrypt }: StackConfig) =>
  `${folder}/letsencrypt/${digest(`${letsencrypt.directory} ${domain}`).slice(0, 8)}`
