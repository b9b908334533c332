# shellcheck shell=bash
# Decrypts a backup into backup/work-… and checks it. Prints a line, separated by tabs:
#   refused KIND MESSAGE         KIND: foreign (no backup), key (a key or passphrase is needed), locked (another one is
#                                needed), broken (damaged)
#   opened FOLDER OWN MANIFEST   OWN: `yes` if it is a backup of this deployment
#   folder   of the deployment
#   file     the backup
#   secret   the private key or the passphrase; empty: the server's passphrase
#   db       PostgreSQL's container
#   passphrase   file with the server's passphrase
# Functions: unseal, by_passphrase.
: "${folder:?}" "${file:?}" "${secret?}" "${passphrase:?}" "${db:?}"

refused() {
  printf 'refused\t%s\t%s\n' "$1" "$(tr -s '\n\t' ' ' <<<"$2")"
  rm -rf "$work"
  exit 0
}
first() { head -n1 "$1/history.jsonl" 2>/dev/null || true; }

umask 077
# shellcheck disable=SC2174 # the folders above it are there
mkdir -p -m 700 "$folder/backup"
rm -rf "$folder"/backup/work-*
work=$(mktemp -d "$folder/backup/work-XXXXXXXX")

[ "$(head -c 21 "$file" | tr -d '\0')" = age-encryption.org/v1 ] || refused foreign 'age did not make it'
if [ -z "$secret" ]; then
  if ! by_passphrase "$file"; then refused key 'it was encrypted for a public key, so it needs the private key'; fi
  [ -s "$passphrase" ] || refused key 'it needs its passphrase, and this server has none'
fi
if ! said=$(unseal "$file" "$work.tar" "$secret" 2>&1); then
  case $said in
    *passphrase* | *identity* | *identities* | *SSH*) refused locked "$said" ;;
    *) refused broken "$said" ;;
  esac
fi
tar -C "$work" -xf "$work.tar" --no-same-owner 2>/dev/null || refused foreign 'its content is not a tar archive'
rm "$work.tar"
[ "$(jq -r .format "$work/manifest.json" 2>/dev/null)" = 1 ] || refused foreign 'its content is not a backup of these scripts'
(cd "$work" && sha256sum -c --quiet --strict SHA256SUMS) >/dev/null 2>&1 || refused broken 'the checksums of its parts are wrong'
said=$(docker exec -i "$db" pg_restore --list <"$work/database.dump" 2>&1 >/dev/null) || refused broken "$said"
own=no
[ "$(first "$work/files")" != "$(first "$folder")" ] || own=yes
printf 'opened\t%s\t%s\t%s\n' "$work" "$own" "$(jq -c . "$work/manifest.json")"
