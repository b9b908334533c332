# shellcheck shell=bash
# The server's users: opened by their keys and by nothing else. What is there in part is completed where nobody can be
# harmed by it; where somebody could, a problem is told.
# Prints a line for each change, and `problem<TAB>WHAT<TAB>REMEDY` for what only a person can decide.

wrong= # not empty: the user at hand has a problem, and what builds on it is left out
problem() {
  wrong=yes
  printf 'problem\t%s\t%s\n' "$1" "$2"
}
field() { getent passwd "$1" | cut -d: -f"$2"; } # NAME NUMBER, as passwd(5) has it
shadow() { getent shadow "$1" | cut -d: -f"$2"; }

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
  problem "$1 has the number of root, and so is root" "vipw, and give $1 a number that nobody else has"
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

# The shadow field `*` matches no password and leaves key logins alone. `!`, which useradd writes, means "locked",
# and sshd refuses the key as well when it runs with UsePAM no (measured on Debian 12 and 13).
password() {
  local today end oldest
  if ! getent shadow "$1" >/dev/null; then
    pwconv
    echo "gave $1 an entry in /etc/shadow"
  fi
  if [ "$(shadow "$1" 2)" != '*' ]; then
    usermod --password '*' "$1"
    echo "no password opens $1"
  fi
  today=$(($(date +%s) / 86400))
  end=$(shadow "$1" 8)
  if [ -n "$end" ] && [ "$end" -le "$today" ]; then
    chage --expiredate -1 "$1"
    echo "$1 had expired: no more"
  fi
  # PAM wants a new password when one is too old, and then lets nobody in by a key either.
  oldest=$(shadow "$1" 5)
  if [ "$(shadow "$1" 3)" = 0 ] || { [ -n "$oldest" ] && [ "$oldest" -lt 99999 ]; }; then
    chage --lastday "$(date +%F)" --maxdays -1 --inactive -1 "$1"
    echo "no password of $1 has to be changed any more"
  fi
}

shell() {
  local now
  now=$(field "$1" 7)
  case "$now" in
    */nologin | */false) ;;
    '') return ;; # sh
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
    echo "made the home of $name"
  fi
  if [ ! -d "$home" ]; then
    problem "$home, the home of $name, is not a folder" "mv $home $home.old"
    return
  fi
  uid=$(stat -Lc %u "$home")
  if [ "$uid" = 0 ] && [[ $home == /home/?* ]]; then
    chown "$name:" "$home"
    echo "gave $name the home that was root's"
  elif [ "$uid" != 0 ] && [ "$uid" != "$(field "$name" 3)" ]; then
    problem "$home, the home of $name, belongs to $(stat -Lc %U "$home") (number $uid)" \
      "mv $home $home.old; or, if all that is in it may be $name's: chown -R $name: $home"
    return
  fi
  # useradd leaves it open to everybody on Debian 12; and sshd takes no key from one that others may write to.
  if [[ $home == /home/?* && $(stat -Lc %A "$home") != ?????-?--- ]]; then
    chmod g-w,o= "$home"
    echo "closed the home of $name to others"
  fi
}

# Root's .ssh becomes the user's when there is nothing in it but keys that root has put there: the user may have made a
# link in its place, or moved another folder of root's there.
ssh_folder() {
  local folder
  folder=$(field "$1" 6)/.ssh
  if [ -L "$folder" ] || [ ! -e "$folder" ] || [ "$(stat -c %u "$folder")" != 0 ]; then return; fi
  if [ ! -d "$folder" ]; then
    problem "$folder is not a folder" "mv $folder $folder.old"
    return
  fi
  cd -P "$folder" || return # from here on it is this one, whatever the user puts in its place
  if [ "$(ls -A)" = authorized_keys ] && [ "$(stat -c '%u %h %F' authorized_keys)" = '0 1 regular file' ]; then
    chown --no-dereference "$1:" authorized_keys
  elif [ -n "$(ls -A)" ]; then
    problem "$folder is root's" "If all that is in it may be $1's: chown -R $1: $folder"
  fi
  if [ -z "$wrong" ] && [ "$(stat -c %u .)" = 0 ]; then
    chown "$1:" .
    echo "gave $1 the folder .ssh that was root's"
  fi
  cd /
}

authorize() { # NAME KEY: written as the user, who may have made a link of anything in there
  local said folder place
  [ -z "$wrong" ] || return 0
  if said=$(runuser -u "$1" -- bash -uc "$(declare -f add_key); add_key \"\$1\"" bash "$2" 2>&1); then
    [ -z "$said" ] || echo "$said"
    return
  fi
  folder=$(field "$1" 6)/.ssh
  for place in "$folder" "$folder/authorized_keys"; do
    if [ -L "$place" ]; then
      problem "$place is a link to $(readlink "$place"), where $1 can write no key: ${said##*: }" "rm $place"
      return
    fi
  done
  problem "$1 can write no key to $folder/authorized_keys: ${said##*: }" "mv $place $place.old"
}

add_key() { # KEY, as the user itself
  local file=.ssh/authorized_keys
  umask 077
  cd && mkdir -p .ssh || return
  if ! grep -qsF "$(cut -d' ' -f1,2 <<<"$1")" "$file"; then
    if [ -s "$file" ] && [ -n "$(tail -c1 "$file")" ]; then echo >>"$file" || return; fi
    echo "$1" >>"$file" || return
    echo "added a key of $(id -un)"
  fi
  # sshd takes no key from what others may write to.
  if [ -n "$(find -L .ssh "$file" -maxdepth 0 -perm /022)" ]; then
    chmod go-w .ssh "$file" || return
    echo "closed the keys of $(id -un) to others"
  fi
}

grant() {
  local file=/etc/sudoers.d/90-$1 line="$1 ALL=(ALL:ALL) NOPASSWD: ALL" next
  if [ "$(cat "$file" 2>/dev/null)" = "$line" ] && [ "$(stat -c %a:%u "$file")" = 440:0 ]; then return; fi
  next=$(mktemp "/etc/sudoers.d/.90-$1.XXXXXX") # sudo reads no name with a dot
  echo "$line" >"$next"
  chmod 440 "$next"
  visudo -cqf "$next"
  mv "$next" "$file"
  echo "gave $1 sudo"
}

withhold() { # also membership of the groups that amount to it
  local group
  if [ -e "/etc/sudoers.d/90-$1" ]; then rm "/etc/sudoers.d/90-$1"; echo "took sudo from $1"; fi
  for group in sudo admin docker; do
    [[ " $(id -nG "$1") " == *" $group "* ]] || continue
    gpasswd -d "$1" "$group" >/dev/null
    echo "took $1 out of the group $group"
  done
}
