# shellcheck shell=bash
# Prints files and folders as an archive, or its digest. Those that do not exist are left out.
#   folder  in which they are
#   names   array
#   digest  yes: prints the digest of names, modes, owners and contents
: "${folder:?}" "${digest:?}"
declare -a names

cd "$folder" 2>/dev/null || exit 0
there=()
for name in "${names[@]}"; do [ ! -e "$name" ] || there+=("$name"); done
[ ${#there[@]} -gt 0 ] || exit 0
archive() { tar -c --dereference --numeric-owner "$@" "${there[@]}"; }
if [ "$digest" = yes ]; then archive --sort=name --mtime=@0 | sha256sum | cut -c1-32; else archive; fi
