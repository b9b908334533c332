# shellcheck shell=bash
# What the roles of the database may do, by trying. Everything that could write stands in a transaction that is rolled back.
# Prints `database<TAB>ROLE<TAB>WHAT<TAB>ANSWER`; an `error` belongs to the `step` before it. `sql` is given.
#   folder    of the deployment
#   db        PostgreSQL's container
#   deadline  seconds for all that a role is asked to try
#   blockers  SQL that tells who keeps others waiting
: "${folder:?}" "${db:?}" "${deadline:?}" "${blockers:?}"

cd "$folder/secrets" 2>/dev/null || true # before 03-db there is none, and nobody logs in

# psql's answers and errors become one stream inside the container already: docker exec brings two over in any order.
attempt() { # ROLE SECRET; SQL on standard input
  # shellcheck disable=SC2016 # the inner shell's own words
  { head -n1 "$2"; cat; } | docker exec -i "$db" sh -c '
    IFS= read -r PGPASSWORD; export PGPASSWORD PGOPTIONS="-c lock_timeout=3s -c statement_timeout=10s"
    exec timeout "$1" psql -h 127.0.0.1 -U "$0" -d prusa -qAtX 2>&1' "$1" "$deadline" 2>&1 |
    sed -n 's/^\(psql: \)\{0,1\}.*\(ERROR\|FATAL\): */error\t/p; /^[a-z ]*\t/p' | sed "s/^/database\t$1\t/" || true
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
sleep 1 # while these wait, if there is something to wait for
sql <<<"\\set waiters ''
$blockers" 2>/dev/null | sed 's/^/database\tnobody\tblocked\t/' || true
wait
