/** What root sees on the server: facts about users, packages, containers and the database. Nothing is changed. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { type Certificate, readFacts } from '../certificate.mts'
import { ROOT, type StackConfig } from '../config.mts'
import { sqlFunction } from '../database.mts'
import type { Host } from '../host.mts'
import { killedScript } from '../memory.mts'
import { bash, join, remote, type Script } from '../shell.mts'
import { type Inside, parseInside, SHEET_PACKAGES, SHEET_USERS } from './facts.mts'

/** Ports and certificate of the load balancer; without one neither is there. */
export interface Front {
  http: number
  https: number
  certificate: Pick<Certificate, 'issuer' | 'selfSigned' | 'ends'> | undefined
  /** Until the certificate ends. */
  days: number
}

export async function lookAtFront(host: Host, stack: StackConfig): Promise<Front> {
  const output = await host.run(
    'Looking at the load balancer',
    bash`
lb=$(docker ps -q --filter label=com.docker.compose.project=${stack.project} --filter label=com.docker.compose.service=lb)
[ -n "$lb" ] || { echo 'no load balancer runs'; exit 0; }
docker inspect -f '{{json .NetworkSettings.Ports}}' $lb
cat ${stack.folder}/nginx/tls/certificate.pem`,
  )
  const [ports = '', ...certificate] = output.split('\n')
  const published = ports.startsWith('{')
    ? (JSON.parse(ports) as Record<string, { HostPort: string }[] | null>)
    : {}
  const port = (inner: string) => Number(published[inner]?.[0]?.HostPort ?? 0)
  const facts = certificate.length > 1 ? readFacts(certificate.join('\n')) : undefined
  return {
    http: port('8080/tcp'),
    https: port('8443/tcp'),
    certificate: facts,
    days: facts ? Math.floor((facts.ends - Date.now()) / 86_400_000) : 0,
  }
}

export async function lookInside(host: Host, stack: StackConfig, https: number): Promise<Inside> {
  const parts = [
    usersScript(),
    packagesScript(),
    containersScript(stack),
    logsScript(stack),
    killedScript(stack),
    databaseScript(stack),
    adminScript(stack, https),
  ]
  return parseInside(await host.run('Looking at the server', join(parts)))
}

function usersScript(): Script {
  const facts = SHEET_USERS.map(
    ({ name, key }) => bash`
if getent passwd ${name} >/dev/null; then
  home=$(getent passwd ${name} | cut -d: -f6)
  printf 'user\t%s\texists\tyes\nuser\t%s\tshadow\t%s\n' ${name} ${name} "$(getent shadow ${name} | cut -d: -f2 | cut -c1-3)"
  if grep -qsF ${key} "$home/.ssh/authorized_keys"; then printf 'user\t%s\tkey\tyes\n' ${name}; fi
  said=$(runuser -u ${name} -- sudo -n true 2>&1) && said=yes
  printf 'user\t%s\tsudo\t%s\n' ${name} "\${said//[$'\n\t']/ }"
  prove_login ${name} ${`ssh-ed25519 ${key}`} &
fi`,
  )
  return bash`
(${join([remote('logins', {}), ...facts])}
wait)`
}

function packagesScript(): Script {
  return bash`
for package in ${SHEET_PACKAGES}; do
  [ "$(dpkg-query -W -f '\${db:Status-Status}' $package 2>/dev/null)" != installed ] || printf 'package\t%s\n' $package
done`
}

// A replica's environment holds the owner's password, and --verbose prints what a script prints.
// Whether Redis answers is asked from within each replica, by the address that the replica itself was given.
function containersScript(stack: StackConfig): Script {
  return bash`
ids=$(docker ps -aq --filter label=com.docker.compose.project=${stack.project} --filter label=com.docker.compose.oneoff=False)
[ -z "$ids" ] || docker inspect $ids | jq -c '.[] | del(.Config.Env)' | sed 's/^/container\t/'
for replica in $(docker ps --filter label=com.docker.compose.project=${stack.project} --filter label=com.docker.compose.service=app --filter label=com.docker.compose.oneoff=False --format '{{.Names}}'); do
  (
    pong=$(docker exec $replica python -c '
import os, socket
with socket.create_connection((os.environ["REDIS_HOST"], int(os.environ["REDIS_PORT"])), 2) as redis:
    redis.sendall(b"PING\r\n")
    print(redis.recv(7).decode().strip())' 2>&1 | tail -n1) || true
    printf 'replica\t%s\t%s\t%s\n' $replica "$(docker inspect -f '{{index .Config.Labels "org.opencontainers.image.version"}}' $replica)" "$pong"
  ) &
done
wait`
}

// An application that prints its DATABASE_URI logs the owner's password, as it is or as a URI has it. It is looked for on
// the server: it goes from its file into grep and nowhere else.
function logsScript(stack: StackConfig): Script {
  return bash`
passwords() {
  { head -n1 db_owner_password; sed -n 's#^DATABASE_URI=[^:]*://[^:]*:\([^@]*\)@.*#\1#p' app.env; } 2>/dev/null | grep .
}
for replica in $(docker ps -a --filter label=com.docker.compose.project=${stack.project} --filter label=com.docker.compose.service=app --filter label=com.docker.compose.oneoff=False --format '{{.Names}}'); do
  (
    cd ${stack.folder}/secrets
    ! grep -qFf <(passwords) <(docker logs $replica 2>&1) || printf 'logged\t%s\n' $replica
  ) &
done
wait`
}

/** Seconds for all that a role is asked to try. */
const DATABASE_DEADLINE = 20
const BLOCKERS = readFileSync(path.join(ROOT, 'sql/blockers.sql'), 'utf8')

// Everything that could write stands in a transaction that is rolled back. psql's answers and errors become one stream
// inside the container already: docker exec brings two over in any order.
function databaseScript(stack: StackConfig): Script {
  return bash`
cd ${stack.folder}/secrets 2>/dev/null || true # before 03-db there is none, and nobody logs in
attempt() { # ROLE SECRET; SQL on standard input
  { head -n1 "$2"; cat; } | docker exec -i ${`${stack.project}-db-1`} sh -c '
    IFS= read -r PGPASSWORD; export PGPASSWORD PGOPTIONS="-c lock_timeout=3s -c statement_timeout=10s"
    exec timeout ${DATABASE_DEADLINE} psql -h 127.0.0.1 -U "$0" -d prusa -qAtX 2>&1' "$1" 2>&1 | sed -n 's/^\(psql: \)\{0,1\}.*\(ERROR\|FATAL\): */error\t/p; /^[a-z ]*\t/p' | sed "s/^/database\t$1\t/" || true
}
attempt app db_owner_password <<'SQL' &
SELECT E'owner\t' || pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database();
BEGIN; CREATE TABLE verify_probe (n int); INSERT INTO verify_probe VALUES (1);
SELECT E'writes\t' || count(*) FROM verify_probe; ROLLBACK;
SQL
attempt developer db_developer_password <<'SQL' &
SELECT format($$SELECT E'reads %s\t' || count(*) FROM %I.%I$$, relname, nspname, relname)
  FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
 WHERE relkind = 'r' AND nspname !~ '^pg_|^information_schema$' ORDER BY 1 \gexec
SET default_transaction_read_only = off;
SELECT E'step\tINSERT';
SELECT format('BEGIN; INSERT INTO %I.%I DEFAULT VALUES; ROLLBACK', nspname, relname)
  FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
 WHERE relkind = 'r' AND nspname !~ '^pg_|^information_schema$' ORDER BY 1 LIMIT 1 \gexec
ROLLBACK;
SELECT E'step\tCREATE';
BEGIN; CREATE TABLE verify_probe (n int); ROLLBACK;
SELECT E'step\tTEMPORARY';
BEGIN; CREATE TEMPORARY TABLE verify_probe (n int); ROLLBACK;
SQL
${sqlFunction(stack)}
sleep 1 # while these wait, if there is something to wait for
sql <<<${`\\set waiters ''\n${BLOCKERS}`} 2>/dev/null | sed 's/^/database\tnobody\tblocked\t/' || true
wait`
}

// The password goes from the secret into curl's standard input and nowhere else.
function adminScript(stack: StackConfig, https: number): Script {
  const url = `https://${stack.domain || 'localhost'}:${https}/admin`
  return bash`
code() { curl -sk --noproxy '*' --connect-to ::localhost: --max-time 10 -o /dev/null -w '%{http_code}' "$@" ${url} || true; }
printf 'admin\tnone\t%s\nadmin\twrong\t%s\nadmin\tright\t%s\n' "$(code)" "$(code -u developer:wrong)" \
  "$(printf 'user = "developer:%s"\n' "$(sed 's/[\\"]/\\&/g' ${stack.folder}/secrets/admin_password)" | code -K -)"`
}
