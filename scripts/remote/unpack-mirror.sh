# shellcheck shell=bash
# Puts the files and folders of an archive, which it reads from standard input, in place of those that are there. A folder is
# replaced as a whole, so nothing is left in it that the archive does not have.
#   folder   where they belong
#   passing  array: files that are removed when the archive does not have them
: "${folder:?}"
declare -a passing

umask 077
next=$(mktemp -d "$folder/.mirror-XXXXXX")
trap 'rm -rf "$next"' EXIT
tar -x -p --numeric-owner -C "$next"
cat >/dev/null
for name in "${passing[@]}"; do [ -e "$next/$name" ] || rm -f "$folder/$name"; done
for path in "$next"/*; do
  name=${path##*/}
  if [ "$name" = nginx ]; then
    mv "$path"/* "$folder/nginx" # other files of that folder are the host's own
    continue
  fi
  [ ! -d "$path" ] || rm -rf "${folder:?}/$name"
  mv -T "$path" "$folder/$name"
done
