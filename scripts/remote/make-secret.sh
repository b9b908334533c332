# shellcheck shell=bash
# Defines `make FILE`: writes 32 random bytes as base64url, which is safe in a URI, in SQL and in a shell, on one line.

make() (
  umask 077
  { head -c 32 /dev/urandom | base64 -w0 | tr '+/' '-_' | tr -d '='; echo; } >"$1.made"
  mv "$1.made" "$1"
)
