#!/bin/sh
# Starts PostgreSQL in $PGDATA, in the official image and in Debian's alike; runs as the user postgres.
#
#   postgres.sh [OPTION…]    options of the server
#
# Not by the official image's own script. It begins with a temporary server, which is easily taken for the real one, and
# what it leaves when it is cut off stays half done for ever.
set -eu

# The official image's volume is everybody's to begin with, and PostgreSQL refuses that.
chmod 0700 "$PGDATA"

# The cluster is made aside and marked as complete before it is moved into place, PG_VERSION last: whenever the first
# start is killed, the next one either begins anew or finishes the move. Its locale is one that every image has.
fresh=$PGDATA/.fresh
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  if [ ! -e "$fresh/COMPLETE" ]; then
    rm -rf "$fresh"
    initdb --pgdata="$fresh" --username=postgres --encoding=UTF8 --locale=C.UTF-8 \
      --no-sync --auth-local=peer --auth-host=reject
    # Once, and only these files: a bare `sync` waits for everything that the whole server has not written yet.
    initdb --sync-only --pgdata="$fresh"
    touch "$fresh/COMPLETE"
  fi
  find "$fresh" -mindepth 1 -maxdepth 1 ! -name PG_VERSION ! -name COMPLETE -exec mv {} "$PGDATA" \;
  mv "$fresh/PG_VERSION" "$PGDATA"
fi
rm -rf "$fresh"

exec postgres "$@"
