#!/usr/bin/env bash
# Starts PostgreSQL as the official image does: the first time by a temporary server without TCP, which makes the database
# and goes before the real one comes. Nothing is made aside: what is killed on the way stays half done for ever.
set -Eeuo pipefail

[[ ${1:-} != -* ]] || set -- postgres "$@"
[[ ${1:-} == postgres ]] || exec "$@"
case ${2:-} in -V | --version | -\? | --help) exec "$@" ;; esac

mkdir -p "$PGDATA"
chmod 0700 "$PGDATA" || true
if [[ $(id -u) == 0 ]]; then
  find "$PGDATA" /var/run/postgresql ! -user postgres -exec chown postgres {} +
  exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"
fi

if [[ -s $PGDATA/PG_VERSION ]]; then
  echo 'PostgreSQL Database directory appears to contain a database; Skipping initialization'
  exec "$@"
fi

user=${POSTGRES_USER:-postgres}
database=${POSTGRES_DB:-$user}
password=${POSTGRES_PASSWORD:-}
[[ -z ${POSTGRES_PASSWORD_FILE:-} ]] || password=$(<"$POSTGRES_PASSWORD_FILE")
if [[ -z $password && ${POSTGRES_HOST_AUTH_METHOD:-} != trust ]]; then
  echo 'Error: Database is uninitialized and superuser password is not specified.' >&2
  exit 1
fi

initdb --username="$user" --pwfile=<(printf '%s\n' "$password")
printf '\nhost all all all %s\n' "${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}" >>"$PGDATA/pg_hba.conf"
printf -v options '%q ' "${@:2}" -c listen_addresses= -p "${PGPORT:-5432}"
pg_ctl -D "$PGDATA" -o "$options" -w start
[[ $database == postgres ]] || psql -v ON_ERROR_STOP=1 -U "$user" -d postgres -w -X -c "CREATE DATABASE \"$database\""
sleep "${SLOW_DISK:-0}"
pg_ctl -D "$PGDATA" -m fast -w stop
echo 'PostgreSQL init process complete; ready for start up.'
exec "$@"
