# shellcheck shell=bash
# `write PATH MODE`: what comes on the standard input becomes a file, owned by root. It is written beside its place and
# renamed over it. Prints the path when content or mode were others.

write() {
  (umask 077; cat >"$1.next")
  chmod "$2" "$1.next"
  if cmp -s "$1" "$1.next" && [ "$(stat -c %a:%u "$1")" = "$2:0" ]; then
    rm "$1.next"
  else
    mv -f "$1.next" "$1"
    echo "$1"
  fi
}
