#!/bin/sh
# Starts HAProxy in the foreground as master and worker: SIGUSR2 then reloads its configuration.
set -eu

case ${1:-} in '' | -*) set -- haproxy "$@" ;; esac
if [ "$1" = haproxy ]; then
  shift
  set -- haproxy -W -db "$@"
fi
exec "$@"
