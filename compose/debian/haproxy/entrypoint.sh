#!/bin/sh
# Starts HAProxy in the foreground as master and worker, so that SIGUSR2 reloads its configuration.
set -eu

case ${1:-} in '' | -*) set -- haproxy "$@" ;; esac
if [ "$1" = haproxy ]; then
  shift
  set -- haproxy -W -db "$@"
fi
exec "$@"
