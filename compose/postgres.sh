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
    initdb --pgdata="$fresh" --username=postgres --encoding=UTF8 --locale=C.UTF-8 --data-checksums \
      --no-sync --auth-local=peer --auth-host=reject
    # Syncs once, and only these files: a plain `sync` would wait for all unwritten data of the server.
    initdb --sync-only --pgdata="$fresh"
    touch "$fresh/COMPLETE"
  fi
  find "$fresh" -mindepth 1 -maxdepth 1 ! -name PG_VERSION ! -name COMPLETE -exec mv {} "$PGDATA" \;
  mv "$fresh/PG_VERSION" "$PGDATA"
fi
rm -rf "$fresh"

# Megabytes that PostgreSQL may use: what the container may, or the whole server has, whichever is less. The files are those
# of cgroup v2 and v1.
megabytes() {
  {
    sed -n 's/^MemTotal: *\([0-9]*\) kB$/\1/p' /proc/meminfo
    for limit in /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes; do
      [ ! -r $limit ] || sed -n 's/^\([0-9]*\)$/\1 1024/p' $limit
    done
  } | awk '{ kilobytes = $2 ? $1 / $2 : $1 } NR == 1 || kilobytes < least { least = kilobytes } END { print int(least / 1024) }'
}

# A quarter for PostgreSQL's own cache, as its manual has it (19.4.1); the planner counts on what the kernel caches, too. A
# commit is on the disk before the client hears of it, whatever a file in the volume says.
memory=$(megabytes)
exec postgres -c fsync=on -c synchronous_commit=on -c "shared_buffers=$((memory / 4))MB" \
  -c "effective_cache_size=$((memory * 3 / 4))MB" -c "maintenance_work_mem=$((memory / 16))MB" \
  -c "work_mem=$((memory / 256 + 1))MB" "$@"
