# shellcheck shell=bash
# `see_user NAME KEY` prints facts about a user, each as `user<TAB>NAME<TAB>FACT<TAB>VALUE`. KEY is the base64 part of the
# key that must be accepted. It needs the functions of logins.sh.

see_user() {
  local home said
  getent passwd "$1" >/dev/null || return 0
  home=$(getent passwd "$1" | cut -d: -f6)
  said=$(runuser -u "$1" -- sudo -n true 2>&1) && said=yes
  told "$1" exists yes
  told "$1" shadow "$(getent shadow "$1" | cut -d: -f2 | cut -c1-3)"
  if grep -qsF "$2" "$home/.ssh/authorized_keys"; then told "$1" key yes; fi
  told "$1" sudo "${said//[$'\n\t']/ }"
  prove_login "$1" "ssh-ed25519 $2"
}
