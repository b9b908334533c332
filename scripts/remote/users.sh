# shellcheck shell=bash
# Functions that create or complete the server's users, who log in by their keys and by nothing else. They complete a user
# who exists in part, unless that could harm somebody: then they report a problem.
# They print a line for each change, and `problem<TAB>WHAT<TAB>REMEDY` for what only a person can decide.

wrong= # not empty: the present user has a problem, and the further steps for this user are left out
problem() { # WHAT REMEDY
  wrong=yes
  printf 'problem\t%s\t%s\n' "$1" "$2"
}
field() { getent passwd "$1" | cut -d: -f"$2"; } # NAME NUMBER: a field of passwd(5)
shadow() { getent shadow "$1" | cut -d: -f"$2"; } # NAME NUMBER: a field of shadow(5)

account() { # NAME
  local step
  wrong=
  if ! getent passwd "$1" >/dev/null; then create "$1"; fi
  for step in number group password shell home ssh_folder; do
    [ -n "$wrong" ] || "$step" "$1"
  done
}

create() {
  local group=()
  if getent group "$1" >/dev/null; then group=(--gid "$1"); fi
  useradd --create-home --shell /bin/bash "${group[@]}" "$1"
  echo "created $1"
}

number() {
  [ "$(field "$1" 3)" = 0 ] || return 0
  problem "$1 has the user number 0, which is root's" "vipw, and give $1 a number that nobody else has"
}

group() {
  local gid
  gid=$(field "$1" 4)
  if getent group "$gid" >/dev/null; then return; fi
  if getent group "$1" >/dev/null; then
    usermod --gid "$1" "$1"
  else
    groupadd --gid "$gid" "$1"
  fi
  echo "gave $1 a group"
}

# The shadow field `*` matches no password and allows logins by key. `!`, which useradd writes, means "locked": with
# UsePAM no, sshd then refuses keys, too (measured on Debian 12 and 13).
password() {
  local today end oldest
  if ! getent shadow "$1" >/dev/null; then
    pwconv
    echo "gave $1 an entry in /etc/shadow"
  fi
  if [ "$(shadow "$1" 2)" != '*' ]; then
    usermod --password '*' "$1"
    echo "disabled the password of $1"
  fi
  today=$(($(date +%s) / 86400))
  end=$(shadow "$1" 8)
  if [ -n "$end" ] && [ "$end" -le "$today" ]; then
    chage --expiredate -1 "$1"
    echo "removed the expiry date of $1"
  fi
  # When a password is too old, PAM asks for a new one and refuses even a login by key.
  oldest=$(shadow "$1" 5)
  if [ "$(shadow "$1" 3)" = 0 ] || { [ -n "$oldest" ] && [ "$oldest" -lt 99999 ]; }; then
    chage --lastday "$(date +%F)" --maxdays -1 --inactive -1 "$1"
    echo "removed the maximum age of the password of $1"
  fi
}

shell() {
  local now
  now=$(field "$1" 7)
  case "$now" in
    */nologin | */false) ;;
    '') return ;; # empty means sh
    *) if [ -x "$now" ]; then return; fi ;;
  esac
  usermod --shell /bin/bash "$1"
  echo "gave $1 a login shell"
}

home() {
  local name=$1 home uid
  home=$(field "$name" 6)
  case "$home" in
    '' | / | /nonexistent)
      home=/home/$name
      usermod --home "$home" "$name"
      echo "gave $name the home $home"
      ;;
  esac
  if [ ! -e "$home" ] && [ ! -L "$home" ]; then
    mkhomedir_helper "$name" 0077
    echo "created the home of $name"
  fi
  if [ ! -d "$home" ]; then
    problem "$home, the home of $name, is not a folder" "mv $home $home.old"
    return
  fi
  uid=$(stat -Lc %u "$home")
  if [ "$uid" = 0 ] && [[ $home == /home/?* ]]; then
    chown "$name:" "$home"
    echo "made $name the owner of $home, which was root's"
  elif [ "$uid" != 0 ] && [ "$uid" != "$(field "$name" 3)" ]; then
    problem "$home, the home of $name, belongs to $(stat -Lc %U "$home") (number $uid)" \
      "mv $home $home.old; or, if $name may own everything in it: chown -R $name: $home"
    return
  fi
  # On Debian 12, useradd makes a home that everybody can read. sshd accepts no key from a home that others can write to.
  if [[ $home == /home/?* && $(stat -Lc %A "$home") != ?????-?--- ]]; then
    chmod g-w,o= "$home"
    echo "closed the home of $name to others"
  fi
}

# A .ssh of root's becomes the user's only when it holds nothing but a key file that root has put there. Else the user may
# have made a link in its place, or moved another folder of root's there.
ssh_folder() {
  local folder
  folder=$(field "$1" 6)/.ssh
  if [ -L "$folder" ] || [ ! -e "$folder" ] || [ "$(stat -c %u "$folder")" != 0 ]; then return; fi
  if [ ! -d "$folder" ]; then
    problem "$folder is not a folder" "mv $folder $folder.old"
    return
  fi
  cd -P "$folder" || return # from now on, this very folder, whatever the user puts in its place
  if [ "$(ls -A)" = authorized_keys ] && [ "$(stat -c '%u %h %F' authorized_keys)" = '0 1 regular file' ]; then
    chown --no-dereference "$1:" authorized_keys
  elif [ -n "$(ls -A)" ]; then
    problem "$folder is root's" "If $1 may own everything in it: chown -R $1: $folder"
  fi
  if [ -z "$wrong" ] && [ "$(stat -c %u .)" = 0 ]; then
    chown "$1:" .
    echo "made $1 the owner of $folder, which was root's"
  fi
  cd /
}

authorize() { # NAME KEY: it writes as the user, who may have put links into the folder
  local said folder place
  [ -z "$wrong" ] || return 0
  if said=$(runuser -u "$1" -- bash -uc "$(declare -f add_key); add_key \"\$1\"" bash "$2" 2>&1); then
    [ -z "$said" ] || echo "$said"
    return
  fi
  folder=$(field "$1" 6)/.ssh
  for place in "$folder" "$folder/authorized_keys"; do
    if [ -L "$place" ]; then
      problem "$place is a link to $(readlink "$place"), and $1 cannot write a key there: ${said##*: }" "rm $place"
      return
    fi
  done
  problem "$1 cannot write a key to $folder/authorized_keys: ${said##*: }" "mv $place $place.old"
}

add_key() { # KEY: runs as the user
  local file=.ssh/authorized_keys
  umask 077
  cd && mkdir -p .ssh || return
  if ! grep -qsF "$(cut -d' ' -f1,2 <<<"$1")" "$file"; then
    if [ -s "$file" ] && [ -n "$(tail -c1 "$file")" ]; then echo >>"$file" || return; fi
    echo "$1" >>"$file" || return
    echo "added a key of $(id -un)"
  fi
  # sshd accepts no key from a file or folder that others can write to.
  if [ -n "$(find -L .ssh "$file" -maxdepth 0 -perm /022)" ]; then
    chmod go-w .ssh "$file" || return
    echo "closed the keys of $(id -un) to others"
  fi
}

grant() {
  local file=/etc/sudoers.d/90-$1 line="$1 ALL=(ALL:ALL) NOPASSWD: ALL" next
  if [ "$(cat "$file" 2>/dev/null)" = "$line" ] && [ "$(stat -c %a:%u "$file")" = 440:0 ]; then return; fi
  next=$(mktemp "/etc/sudoers.d/.90-$1.XXXXXX") # sudo reads no file with a dot in its name
  echo "$line" >"$next"
  chmod 440 "$next"
  visudo -cqf "$next"
  mv "$next" "$file"
  echo "gave $1 sudo"
}

withhold() { # NAME: removes sudo, and membership of the groups that are as good as sudo
  local group
  if [ -e "/etc/sudoers.d/90-$1" ]; then rm "/etc/sudoers.d/90-$1"; echo "removed sudo from $1"; fi
  for group in sudo admin docker; do
    [[ " $(id -nG "$1") " == *" $group "* ]] || continue
    gpasswd -d "$1" "$group" >/dev/null
    echo "removed $1 from the group $group"
  done
}
