#!/bin/sh
# Prints the Debian package of each requirement in a requirements.txt, as far as there is one.
set -eu

# Names in lower case with `-` for `_`; without comments, options, extras, versions.
sed -E 's/#.*//; s/^[[:space:]]*//; /^-/d; s/^([A-Za-z0-9._-]*).*/\1/; s/-binary$//; /^$/d' "$1" |
  tr 'A-Z_' 'a-z-' |
  while read -r name; do
    # Debian names most by the project (python3-redis), some by the module (PyYAML, python-dotenv, ruamel.yaml).
    for package in "$name" "$(echo "$name" | tr . -)" "${name#py}" "${name#python-}"; do
      if apt-cache show "python3-$package" >/dev/null 2>&1; then echo "python3-$package" && break; fi
    done
  done
