# shellcheck shell=bash
# Switches maintenance by the files that nginx looks at with each request: FOLDER/nginx/maintenance/on, page.html, and
# allow/ADDRESS for each address that gets through. Prints `old` where the nginx that runs does not look at them, `changed`
# when it was switched, and how it is then: `on WHO` and `since SECONDS`, `allow ADDRESS`.
#   folder   of the deployment
#   want     on, off, or nothing
#   who      switches it
#   page     what is shown, HTML
#   allowed  addresses, a blank between two
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
