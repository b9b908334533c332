#!/bin/sh
# Starts Redis with its data in /data, as the user redis, in the official image and in Debian's.
#
#   redis.sh [OPTION…]    options of the server
#
# A write is in a file (appendonlydir) before its client gets the answer: a crash of Redis loses nothing, a power cut at most
# the last two seconds (appendfsync everysec). The snapshots (dump.rdb) alone would lose up to a minute.
set -eu
cd /data

# Redis with a log of its writes reads that log alone. The first one of a volume begins with the snapshot that is there.
if [ -s dump.rdb ] && [ ! -e appendonlydir ]; then
  rm -rf .appendonlydir
  mkdir .appendonlydir
  ln dump.rdb .appendonlydir/appendonly.aof.1.base.rdb
  echo 'file appendonly.aof.1.base.rdb seq 1 type b' >.appendonlydir/appendonly.aof.manifest
  mv .appendonlydir appendonlydir
fi
exec docker-entrypoint.sh redis-server --save 60 1 --appendonly yes --appendfsync everysec "$@"
