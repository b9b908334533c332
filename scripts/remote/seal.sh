# shellcheck shell=bash
# Functions that encrypt a file by age(1), and decrypt it: seal, unseal, by_passphrase.
#   key         public key; empty: the passphrase is used
#   passphrase  file with the passphrase in its first line
: "${key?}" "${passphrase:?}"

# age reads a passphrase only from a terminal. script(1), which every Debian has, provides one. The terminal may echo the
# passphrase before age turns that off, so only the messages of age are printed.
age_on_terminal() { # -p or -d, FROM, TO; the standard input is typed
  local said
  # shellcheck disable=SC2016 # variables of the inner shell
  if ! said=$(how=$1 from=$2 to=$3 script -qec 'exec age "$how" -o "$to" "$from"' /dev/null); then
    sed -n 's/\r//; s/^.*age: error: /age: /p' <<<"$said" >&2
    return 1
  fi
}

seal() { # FROM TO
  local words
  if [ -n "$key" ]; then
    age -r "$key" -o "$2" "$1"
  else
    words=$(head -n1 "$passphrase")
    printf '%s\n' "$words" "$words" | age_on_terminal -p "$1" "$2"
  fi
}

by_passphrase() { # FILE: whether a passphrase decrypts it; its head is text (https://age-encryption.org/v1)
  head -c 100 "$1" | grep -aq '^-> scrypt '
}

unseal() { # FROM TO [SECRET]: the private key, or another passphrase than that of the file
  local secret=${3:-}
  if ! by_passphrase "$1"; then
    age -d -i <(printf '%s\n' "$secret") -o "$2" "$1" 2> >(grep -v '^age: report' >&2)
  else
    [ -n "$secret" ] || secret=$(<"$passphrase")
    printf '%s\n' "${secret%%$'\n'*}" | age_on_terminal -d "$1" "$2"
  fi
}
