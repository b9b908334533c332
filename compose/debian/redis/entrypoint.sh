#!/bin/sh
# Starts Redis as the user redis, with the arguments given.
set -eu

case ${1:-} in '' | -* | *.conf) set -- redis-server "$@" ;; esac
[ "$1" = redis-server ] || exec "$@"

if [ "$(id -u)" = 0 ]; then
  find . ! -user redis -exec chown redis: {} +
  exec setpriv --reuid=redis --regid=redis --init-groups "$0" "$@"
fi

# Protected mode would refuse every client outside of the container. The container's network decides who reaches Redis.
case ${2:-} in
  -v | --version | -h | --help | --test-memory) exec "$@" ;;
  *) exec "$@" --protected-mode no ;;
esac
