#!/bin/sh
# Starts PostgreSQL; on the first start makes the database cluster in $PGDATA.
# The variables are those of the official image: POSTGRES_USER, POSTGRES_DB, POSTGRES_PASSWORD or
# POSTGRES_PASSWORD_FILE, POSTGRES_HOST_AUTH_METHOD.
set -eu

case ${1:-} in '' | -*) set -- postgres "$@" ;; esac
case "$1 ${2:-}" in
  'postgres -V' | 'postgres --version' | 'postgres -?' | 'postgres --help') exec "$@" ;;
  'postgres '*) ;;
  *) exec "$@" ;;
esac

if [ "$(id -u)" = 0 ]; then
  mkdir -p "$PGDATA"
  find "$PGDATA" /var/run/postgresql ! -user postgres -exec chown postgres: {} +
  chmod 0700 "$PGDATA"
  exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"
fi

user=${POSTGRES_USER:-postgres}
database=${POSTGRES_DB:-$user}
password=${POSTGRES_PASSWORD:-}
if [ -n "${POSTGRES_PASSWORD_FILE:-}" ]; then password=$(cat "$POSTGRES_PASSWORD_FILE"); fi
unset POSTGRES_PASSWORD

# The cluster is made aside and marked as complete before it is moved into place, PG_VERSION last: whenever the first
# start is killed, the next one either begins anew or finishes the move.
fresh=$PGDATA/.fresh
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  if [ ! -e "$fresh/COMPLETE" ]; then
    rm -rf "$fresh"
    printf '%s\n' "$password" | initdb --pgdata="$fresh" --username="$user" --encoding=UTF8 --locale=C.UTF-8 \
      --no-sync --auth-local=trust --auth-host=scram-sha-256 ${password:+--pwfile=/dev/stdin}
    printf '\nhost all all all %s\n' "${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}" >>"$fresh/pg_hba.conf"
    if [ "$database" != postgres ]; then
      printf 'CREATE DATABASE "%s"\n' "$database" | postgres --single -D "$fresh" postgres >/dev/null
    fi
    # Once, and only these files: a bare `sync` waits for everything that the whole server has not written yet.
    initdb --sync-only --pgdata="$fresh"
    touch "$fresh/COMPLETE"
  fi
  find "$fresh" -mindepth 1 -maxdepth 1 ! -name PG_VERSION ! -name COMPLETE -exec mv -t "$PGDATA" {} +
  mv "$fresh/PG_VERSION" "$PGDATA"
fi
rm -rf "$fresh"

exec "$@"
