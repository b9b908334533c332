/** What root sees on the server: facts about users, packages, containers and the database. It changes nothing. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { daysBetween } from '../cli/time.mts'
import { ROOT, type StackConfig } from '../config/config.mts'
import { type Certificate, readFacts } from '../edge/certificate.mts'
import type { Host } from '../host/host.mts'
import { bash, join, remote, type Script } from '../host/shell.mts'
import { sqlFunction } from '../stack/database.mts'
import { killedScript } from '../stack/memory.mts'
import { type Inside, parseInside, SHEET_PACKAGES, SHEET_USERS } from './facts.mts'

/** The ports and the certificate of the load balancer. */
export interface Front {
  /** 0: no load balancer runs. */
  http: number
  https: number
  certificate: Pick<Certificate, 'issuer' | 'selfSigned' | 'ends'> | undefined
  /** Days until the certificate ends. */
  days: number
}

export async function lookAtFront(host: Host, stack: StackConfig): Promise<Front> {
  const output = await host.run(
    'Looking at the load balancer',
    bash`
lb=$(docker ps -q --filter label=com.docker.compose.project=${stack.project} --filter label=com.docker.compose.service=lb)
[ -n "$lb" ] || exit 0
docker inspect -f '{{range index .NetworkSettings.Ports "8080/tcp"}}{{.HostPort}} {{end}}
{{range index .NetworkSettings.Ports "8443/tcp"}}{{.HostPort}} {{end}}' "$lb"
cat ${stack.folder}/nginx/tls/certificate.pem`,
  )
  const [http = '', https = '', ...certificate] = output.split('\n')
  const facts = certificate.length > 1 ? readFacts(certificate.join('\n')) : undefined
  return {
    http: Number.parseInt(http, 10) || 0,
    https: Number.parseInt(https, 10) || 0,
    certificate: facts,
    days: facts ? daysBetween(Date.now(), facts.ends) : 0,
  }
}

/** @param https the port of the load balancer */
export async function lookInside(host: Host, stack: StackConfig, https: number): Promise<Inside> {
  return parseInside(await host.run('Looking at the server', insideScript(stack, https)))
}

export function insideScript(stack: StackConfig, https: number): Script {
  const { folder, project } = stack
  return join([
    usersScript(),
    packagesScript(),
    remote('see-containers', { project }),
    remote('see-logs', { folder, project }),
    killedScript(stack),
    databaseScript(stack),
    adminScript(stack, https),
  ])
}

function usersScript(): Script {
  const calls = SHEET_USERS.map(({ name, key }) => bash`see_user ${name} ${key} &`)
  return bash`
(${join([remote('logins'), remote('see-user'), ...calls])}
wait)`
}

function packagesScript(): Script {
  return bash`
for package in ${SHEET_PACKAGES}; do
  [ "$(dpkg-query -W -f '\${db:Status-Status}' $package 2>/dev/null)" != installed ] || printf 'package\t%s\n' $package
done`
}

/** Seconds for all the attempts of a role. */
const DATABASE_DEADLINE = 20
const BLOCKERS = readFileSync(path.join(ROOT, 'sql/blockers.sql'), 'utf8')

function databaseScript(stack: StackConfig): Script {
  const parameters = { folder: stack.folder, deadline: DATABASE_DEADLINE, blockers: BLOCKERS.trim() }
  return join([sqlFunction(stack), remote('see-database', parameters)])
}

function adminScript({ domain, folder }: StackConfig, https: number): Script {
  return remote('see-admin', { folder, url: `https://${domain || 'localhost'}:${https}/admin` })
}
