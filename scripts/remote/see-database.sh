# shellcheck shell=bash
# Tries what the roles of the database may do. A statement that could write is in a transaction that is rolled back.
# Prints `database<TAB>ROLE<TAB>WHAT<TAB>ANSWER`; an `error` belongs to the `step` before it. It needs the function `sql`.
#   folder    of the deployment
#   db        the container of PostgreSQL
#   deadline  seconds for all the attempts of a role
#   blockers  SQL that lists the sessions for whose locks others wait
: "${folder:?}" "${db:?}" "${deadline:?}" "${blockers:?}"

cd "$folder/secrets" 2>/dev/null || true # before 03-db it does not exist, and no login succeeds

# psql's answers and errors are joined inside the container: docker exec does not keep the order of two streams.
attempt() { # ROLE SECRET; SQL on standard input
  # shellcheck disable=SC2016 # the inner shell expands them
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
-- Into a table that it may write to, if there is one.
SELECT E'step\tINSERT';
SELECT format('BEGIN; INSERT INTO %I.%I DEFAULT VALUES; ROLLBACK', nspname, relname)
  FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
 WHERE relkind = 'r' AND nspname !~ '^pg_|^information_schema$' ORDER BY has_table_privilege(c.oid, 'INSERT') DESC, relname LIMIT 1 \gexec
ROLLBACK;
SELECT E'step\tCREATE';
BEGIN; CREATE TABLE verify_probe (n int); ROLLBACK;
SELECT E'step\tTEMPORARY';
BEGIN; CREATE TEMPORARY TABLE verify_probe (n int); ROLLBACK;
SQL
sleep 1 # by then, a statement that needs a taken lock waits
sql <<<"\\set waiters ''
$blockers" 2>/dev/null | sed 's/^/database\tnobody\tblocked\t/' || true
wait
