# shellcheck shell=bash
# Installs the passwords, the account with the CA and the targets of an opened backup.
#   folder  of the deployment
#   work    folder of the opened backup
: "${folder:?}" "${work:?}"

umask 077
cd "$work/files" || exit
put() { # FILE
  cp "$1" "$folder/$1.next"
  mv "$folder/$1.next" "$folder/$1"
}
for name in secrets/*_password backup/passphrase; do [ ! -e "$name" ] || put "$name"; done
cp -an targets "$folder" 2>/dev/null || true
for state in letsencrypt/*/; do
  [ -d "$state" ] || continue
  mkdir -p "$folder/letsencrypt"
  rm -rf "${folder:?}/$state"
  cp -a "$state" "$folder/letsencrypt"
done
