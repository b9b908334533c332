# shellcheck shell=bash
# Functions that harden sshd by one file: they place it, check it, confirm it or remove it. The calls follow them.
#   file      the path of the file
#   settings  its settings in the syntax of sshd_config
#   content   its whole content once it is confirmed: a comment and the settings
#   wanted    the settings as sshd -T prints them, a line each
#   trial     seconds after which the server removes a file that is not confirmed
#   failed    exit code of `place` when it has removed the file again
#   users     the users whose logins are checked
: "${file:?}" "${settings:?}" "${content:?}" "${wanted:?}" "${trial:?}" "${failed:?}"
declare -a users
: "${SSH_CLIENT:=127.0.0.1}"

installed() { [ -x /usr/sbin/sshd ]; }
confirmed() { [ "$(cat "$file" 2>/dev/null)" = "$content" ]; }
on_trial() { grep -qs '^# On trial' "$file"; }

broken() { # prints the error of sshd for its files; nothing when they are right
  local said
  mkdir -p /run/sshd
  said=$(sshd -t 2>&1) || echo "$said"
}

reload() {
  if [ -d /run/systemd/system ]; then
    # When a socket starts sshd for each connection, it reads its files then.
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
  echo "removed $file: sshd is not hardened any more"
}

# Prints the first setting that another file overrides, and the name of that file. A Match by address is tried for one
# address only. An old sshd prints without-password for prohibit-password; one without GSSAPI does not print that setting.
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

authorized() { # USER: whether the user has a key
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

login() { # prints the user of the ssh login that runs this script; nothing when there is none
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

# USER…: prints who would be locked out. That is the user of the present ssh login without a key; without such a login,
# all the users when none of them has a key.
keyless() {
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

place() { # TRIAL: `true`: the server removes the file again unless it is confirmed
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
    # This process does not end with the connection or with the run that began it.
    setsid bash -c "$(declare -f reload put_back)
      file=$file; sleep $trial
      if grep -qxF '$token' $file; then put_back; fi" </dev/null >/dev/null 2>&1 &
  fi
  reload
}
