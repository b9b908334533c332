#!/bin/sh
# Starts Redis as the official image does: root's privileges are dropped, its files are nobody else's.
set -e

case ${1:-} in '' | -* | *.conf) set -- redis-server "$@" ;; esac
if [ "$1" = redis-server ] && [ "$(id -u)" = 0 ]; then
  find . ! -user redis -exec chown redis {} +
  exec setpriv --reuid=redis --regid=redis --clear-groups -- "$0" "$@"
fi
[ "$(umask)" != 0022 ] || umask 0077
# Protected mode is off in how the official one is compiled.
if [ "$1" = redis-server ]; then set -- "$@" --protected-mode no; fi
exec "$@"
