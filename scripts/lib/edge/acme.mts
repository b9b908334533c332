/**
 * A CA's certificate by ACME (tls: letsencrypt): one script on the server that certbot's short-lived container belongs
 * to. Deploy runs it to get the certificate and the server's timer runs it to renew it; it does what is due, so both
 * are the same call.
 */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { OperatorError } from '../cli/errors.mts'
import { ROOT, type StackConfig } from '../config/config.mts'
import type { Host } from '../host/host.mts'
import { taking } from '../host/lock.mts'
import { bash, join, remote, type Script } from '../host/shell.mts'
import { digest } from '../images/source.mts'
import { readFacts, takeOver } from './certificate.mts'
import { type Problem, problemOf } from './problem.mts'
import { ensureTimer, type Timer } from './renewal.mts'
import { readCertificate } from './site.mts'

/** Seconds for one order: certbot itself gives up after 90 s of waiting for the CA. */
const ORDER_DEADLINE = 300

/** Seconds for which the timer waits for whoever changes the server. */
const PATIENCE = 300

/** What became of an order. */
export interface Issued {
  /** Whether another certificate is in place now. */
  changed: boolean
  timer: Timer
  /** What the CA or certbot says against it; the certificate of before is in place then. */
  problem?: Problem
}

/** Gets the certificate unless it is there and not due, and sees to it that the server renews it by itself. */
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
  const timer = await ensureTimer(host, stack)
  const { exitCode, stdout, stderr } = await host.attempt(orderScript(stack), { deadline: ORDER_DEADLINE })
  if (exitCode !== 0) return { changed: false, timer, problem: problemOf(stdout, stderr, stack) }
  return { changed: stdout.includes('another certificate is in place'), timer }
}

/**
 * What a deploy has to say of an order that failed. While a CA's certificate for the domain is in place, the site is
 * as its users need it and the timer will try again: a warning is enough, and the deploy is a success. Otherwise what
 * was asked for is not there and browsers will warn, so automation has to hear of it: exit code 1.
 * @returns the warning
 * @throws OperatorError without a CA's certificate in place
 */
export async function judgeProblem(host: Host, stack: StackConfig, problem: Problem): Promise<string> {
  const { selfSigned, issuer, ends } = readFacts(await readCertificate(host, stack))
  const until = new Date(ends).toISOString().slice(0, 10)
  if (!selfSigned)
    return `The certificate of ${stack.domain} was not renewed: ${problem.what}. ${issuer}’s is in place until ${until}; the server tries again twice a day. ${problem.next}`
  throw new OperatorError(
    `No certificate for ${stack.domain} could be had by ACME: ${problem.what}`,
    `${problem.next} Then: npx zx scripts/04-stack.mts`,
    `the site is up on the self-signed certificate that it had, until ${until}; the server tries again twice a day.`,
  )
}

/** PEM of the configured CA; empty for a public one. @throws OperatorError when it is no PEM file */
export function readCa(stack: StackConfig): string {
  const file = stack.letsencrypt.ca
  if (stack.tls !== 'letsencrypt' || file === '') return ''
  const refuse = (why: string): never => {
    throw new OperatorError(
      `The CA file ${file} ${why}`,
      'Correct letsencrypt.ca in config/stack.yaml, or leave it empty for a public CA.',
      'nothing was contacted or changed.',
    )
  }
  let text = ''
  try {
    text = readFileSync(path.resolve(ROOT, file), 'utf8')
  } catch {
    refuse('cannot be read')
  }
  return text.includes('BEGIN CERTIFICATE') ? text : refuse('holds no certificate in PEM form')
}

/**
 * The script on the server. Each pair of domain and ACME server has certbot's files to itself: a staging certificate is
 * not kept when production is asked for. The pair is taken over when nginx finds it good, and not else. A run that was
 * cut off is finished by the next one: what certbot has and nginx's folder has not is taken over, and `loaded` beside
 * the pair says that nginx was told.
 */
export function renewScript(stack: StackConfig, image: string): Script {
  const { email, directory, ca } = stack.letsencrypt
  const { folder, domain } = stack
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
    bash`#!/bin/bash
# The server's timer runs it twice a day; by hand: renew [--force-renewal]. Written by 04-stack.
set -euo pipefail
export LC_ALL=C.UTF-8 DOCKER_CONTEXT=default
unset DOCKER_HOST
umask 022`,
    taking(stack, holder, bash`$(</proc/sys/kernel/random/uuid)`, PATIENCE),
    takeOver(stack),
    remote('renew', parameters),
  ])
}

/** Renews; when that fails, prints certbot's log of it. */
function orderScript(stack: StackConfig): Script {
  const log = `${stateOf(stack)}/log/letsencrypt.log`
  return bash`
begun=$(mktemp)
trap 'rm "$begun"' EXIT
UNDER_LOCK=yes ${stack.folder}/letsencrypt/renew || { code=$?; [ ! ${log} -nt "$begun" ] || cat ${log}; exit $code; }`
}

/** Certbot's files for this domain and this ACME server. */
const stateOf = ({ folder, domain, letsencrypt }: StackConfig) =>
  `${folder}/letsencrypt/${digest(`${letsencrypt.directory} ${domain}`).slice(0, 8)}`
