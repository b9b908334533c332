# shellcheck shell=bash
# `write PATH MODE` writes its standard input to a file of root: beside its place, then by a rename. It prints the path
# when content, mode or owner have changed.

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
