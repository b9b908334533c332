#!/bin/sh
# Starts nginx as the official image does: what lies in /docker-entrypoint.d is run before it.
set -e

case ${1:-} in
  nginx | nginx-debug)
    find /docker-entrypoint.d/ -follow -type f -name '*.sh' | sort -V | while read -r file; do
      echo "$0: Launching $file"
      "$file"
    done
    echo "$0: Configuration complete; ready for start up"
    ;;
esac
exec "$@"
