#!/bin/sh
# Starts PostgreSQL in $PGDATA, as the user postgres, in the official image and in Debian's.
#
#   postgres.sh [OPTION…]    options of the server
#
# The official image's own script first starts a temporary server, which looks like the real one. If it is interrupted, it
# leaves an incomplete cluster that it never completes.
set -eu

# At first, everybody can write to the official image's volume, and PostgreSQL refuses that.
chmod 0700 "$PGDATA"

# The cluster is made in another folder and marked as complete before it is moved into place, PG_VERSION last. If the first
# start is killed at any moment, the next one starts again or finishes the move. Every image has this locale.
fresh=$PGDATA/.fresh
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  if [ ! -e "$fresh/COMPLETE" ]; then
    rm -rf "$fresh"
    initdb --pgdata="$fresh" --username=postgres --encoding=UTF8 --locale=C.UTF-8 \
      --no-sync --auth-local=peer --auth-host=reject
    # Syncs once, and only these files: a plain `sync` would wait for all unwritten data of the server.
    initdb --sync-only --pgdata="$fresh"
    touch "$fresh/COMPLETE"
  fi
  find "$fresh" -mindepth 1 -maxdepth 1 ! -name PG_VERSION ! -name COMPLETE -exec mv {} "$PGDATA" \;
  mv "$fresh/PG_VERSION" "$PGDATA"
fi
rm -rf "$fresh"

exec postgres "$@"
