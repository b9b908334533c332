# shellcheck shell=bash
# Hardening sshd: one file, placed, checked, confirmed or put back. These are functions; what is called comes behind them.
#   file      the hardened settings; the first by its name, since the first value that sshd reads wins (sshd_config(5))
#   settings  what is in it, without the comment that it ends up with
#   content   the same with that comment
#   wanted    the same as sshd -T prints it, a line each
#   trial     seconds after which the server puts back what nobody has confirmed
#   failed    exit code of `place` when what it placed is gone again
#   users     whose logins are looked at
: "${file:?}" "${settings:?}" "${content:?}" "${wanted:?}" "${trial:?}" "${failed:?}"
declare -a users
: "${SSH_CLIENT:=127.0.0.1}"

installed() { [ -x /usr/sbin/sshd ]; }
confirmed() { [ "$(cat "$file" 2>/dev/null)" = "$content" ]; }
on_trial() { grep -qs '^# On trial' "$file"; }

broken() { # what sshd says against its files as they are; nothing when it takes them
  local said
  mkdir -p /run/sshd
  said=$(sshd -t 2>&1) || echo "$said"
}

reload() {
  if [ -d /run/systemd/system ]; then
    # One that a socket starts on demand reads its files then.
    if systemctl is-active -q ssh.service; then systemctl reload ssh.service; fi
  else
    service ssh reload >/dev/null
  fi
}

put_back() {
  if [ -e "$file.before" ]; then mv "$file.before" "$file"; else rm -f "$file"; fi
  reload
}

confirm() {
  echo "$content" >"$file.next"
  mv "$file.next" "$file"
  rm -f "$file.before"
}

take_away() {
  [ -e "$file" ] || return 0
  mv "$file" "$file.before"
  if ! sshd -t; then
    mv "$file.before" "$file"
    return 1
  fi
  rm "$file.before"
  reload
  echo "removed $file: sshd is as the system has it"
}

# What the hardened values are not, with the files that say otherwise. A Match by address cannot be tried for all addresses.
not_in_force() {
  local user line key found effective
  mkdir -p /run/sshd
  for user in "${users[@]}"; do
    effective=$(sshd -T -C "user=$user,host=localhost,addr=${SSH_CLIENT%% *}" 2>/dev/null | sed 's/without-password/prohibit-password/') || continue
    while read -r line; do
      key=${line% *}
      found=$(grep -m1 "^$key " <<<"$effective" || true)
      if [ -z "$found" ] || [ "$found" = "$line" ]; then continue; fi
      # shellcheck disable=SC2046 # the files' names in one line
      echo "$key is ${found#* } for $user: see" $(grep -liE "^[[:space:]]*$key\\b" /etc/ssh/sshd_config /etc/ssh/sshd_config.d/*.conf | grep -vxF "$file")
      return
    done <<<"$wanted"
  done
}

authorized() { # USER: whether a key lets the user in
  local home pattern
  home=$(getent passwd "$1" | cut -d: -f6)
  for pattern in $(sshd -T -C "user=$1,host=localhost,addr=127.0.0.1" 2>/dev/null | sed -n 's/^authorizedkeysfile //p'); do
    pattern=${pattern//%u/$1}
    pattern=${pattern//%h/$home}
    [[ $pattern == /* ]] || pattern=$home/$pattern
    if [ -s "$pattern" ] && ssh-keygen -lf "$pattern" >/dev/null 2>&1; then return 0; fi
  done
  return 1
}

login() { # who logged in over ssh to run this; nothing when nobody did
  local pid=$$ parent
  while [ "$pid" -gt 1 ]; do
    parent=$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$pid/status")
    if [[ $(cat "/proc/$parent/comm" 2>/dev/null) == sshd* ]]; then
      stat -c %U "/proc/$pid"
      return
    fi
    pid=$parent
  done
}

keyless() { # USER…: who would be locked out: the login in use, or with none all of these
  local user login
  mkdir -p /run/sshd
  login=$(login)
  if [ -n "$login" ]; then
    authorized "$login" || echo "$login"
    return
  fi
  for user; do
    if authorized "$user"; then return; fi
  done
  echo "everybody ($*)"
}

place() { # TRIAL: whether it is put back unless it is confirmed
  local token wrong
  token="# On trial since $(date +%s.%N): put back when no new login succeeds"
  if [ -e "$file" ] && ! on_trial; then cp -p "$file" "$file.before"; fi
  printf '%s\n' "$token" "$settings" >"$file.next"
  mv "$file.next" "$file"
  wrong=$(broken)
  [ -n "$wrong" ] || wrong=$(not_in_force)
  if [ -n "$wrong" ]; then
    if [ -e "$file.before" ]; then mv "$file.before" "$file"; else rm "$file"; fi
    echo "$wrong"
    exit "$failed"
  fi
  if [ "$1" = true ]; then
    # Ends by itself, also when this connection, or who began it, is gone.
    setsid bash -c "$(declare -f reload put_back)
      file=$file; sleep $trial
      if grep -qxF '$token' $file; then put_back; fi" </dev/null >/dev/null 2>&1 &
  fi
  reload
}
