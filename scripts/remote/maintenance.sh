# shellcheck shell=bash
# Switches maintenance, or only reports it. nginx looks for these files with each request, in FOLDER/nginx/maintenance/:
# `on`, page.html, and allow/ADDRESS for each address that still reaches the site. Prints, a line each:
#   old               nginx's current configuration does not look for the files
#   changed           maintenance was switched
#   on WHO, since SECONDS, allow ADDRESS…   if it is on now
#
#   folder   of the deployment
#   want     on, off, or empty
#   who      switches it
#   page     HTML that users get
#   allowed  addresses, separated by blanks
: "${folder:?}" "${want?}" "${who:?}" "${page?}" "${allowed?}"

if ! grep -qs 'maintenance/on' "$folder/nginx/live/nginx.conf"; then
  echo old
  exit
fi
here=$folder/nginx/maintenance
if [ "$want" = on ]; then
  umask 022
  install -d -m 755 "$here" "$here/allow"
  printf '%s' "$page" >"$here/page.html.next"
  mv -f "$here/page.html.next" "$here/page.html"
  for address in $allowed; do : >"$here/allow/$address"; done
  for file in "$here"/allow/*; do
    [[ " $allowed " == *" ${file##*/} "* ]] || rm -f "$file"
  done
  if [ ! -e "$here/on" ]; then
    echo "$who" >"$here/on.next"
    mv -f "$here/on.next" "$here/on"
    echo changed
  fi
elif [ "$want" = off ] && [ -e "$here/on" ]; then
  rm -rf "$here/on" "$here/allow"
  echo changed
fi
[ -e "$here/on" ] || exit 0
echo "on $(cat "$here/on")"
echo "since $(stat -c %Y "$here/on")"
for file in "$here"/allow/*; do [ ! -e "$file" ] || echo "allow ${file##*/}"; done
