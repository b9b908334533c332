# shellcheck shell=bash
# `prove_login NAME KEY` tries whether sshd lets a user in by a key. It asks an `sshd -i` twice, which serves this one
# connection and reads the files of the real sshd:
#   accepts  would sshd accept the key? Only its public half is known.
#   login    does a whole login succeed, with PAM and shell? A temporary key logs in, from a file that only this sshd reads.
# It prints `user<TAB>NAME<TAB>accepts|login<TAB>yes`, or the reason in place of `yes`. It does not ask the real sshd: a
# public key alone makes a failed login, for which sshd (PerSourcePenalties) or fail2ban may block the client.

prove_login() { # NAME KEY
  local folder=$proofs/$1
  mkdir -p "$folder" /run/sshd
  if ! [ -x /usr/sbin/sshd ]; then
    told "$1" accepts 'no SSH server is installed'
    told "$1" login 'no SSH server is installed'
    return
  fi
  # The settings for this user and this client. A pattern with an address counts as met, since sshd -i knows no address.
  if ! sshd -T -C "user=$1,host=localhost,addr=${SSH_CLIENT%% *}" >"$folder/all" 2>"$folder/log"; then
    told "$1" accepts "$(tail -n1 "$folder/log")"
    told "$1" login "$(tail -n1 "$folder/log")"
    return
  fi
  sed -E -e 's/^(allowusers [^@]+)@.*/\1/' -e '/^denyusers .+@/d' -e '/^authorizedkeyscommand.* none$/d' \
    "$folder/all" >"$folder/config"
  { grep -v '^authorizedkeys' "$folder/config"; echo "authorizedkeysfile $proofs/key.pub"; } >"$folder/temporary"
  echo "$2" >"$folder/given.pub"
  ask "$1" config "$folder/given.pub" || true
  if grep -q '^debug1: Server accepts key' "$folder/client"; then told "$1" accepts yes; else told "$1" accepts "$(reason "$folder")"; fi
  if ask "$1" temporary "$proofs/key"; then told "$1" login yes; else told "$1" login "$(reason "$folder")"; fi
}

ask() { # NAME CONFIG KEY
  local folder=$proofs/$1
  timeout 15 ssh -F /dev/null -v -i "$3" -o "ProxyCommand=/usr/sbin/sshd -i -e -f $folder/$2 2>$folder/log" \
    -o IdentitiesOnly=yes -o IdentityAgent=none -o BatchMode=yes -o PreferredAuthentications=publickey \
    -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null "$1@localhost" true >"$folder/client" 2>&1 </dev/null
}

reason() { # FOLDER: prints sshd's reason, else the last message that the client got
  local said
  said=$(sed -E '/^(mm_|Connection |Received disconnect|Disconnect|Accepted |debug|Postponed|Failed publickey)/d' "$1/log" | tail -n1)
  [ -n "$said" ] || said=$({
    sed -n 's/^debug1: Exit status/the shell ends with exit code/p' "$1/client"
    sed -E '/^(debug1: |Warning: |Load key|[@A-Z ]+@|Permissions |It is |This private |OpenSSH|Transferred|Bytes |Authenticated )/d' "$1/client"
  } | tail -n1)
  said=${said:-no answer}
  echo "${said/ from UNKNOWN/}"
}

told() { printf 'user\t%s\t%s\t%s\n' "$1" "$2" "${3%$'\r'}"; } # NAME FACT VALUE; lines of sshd and ssh end with \r

: "${SSH_CLIENT:=127.0.0.1}"
proofs=$(mktemp -d /run/prusa-login.XXXXXX)
trap 'rm -rf "$proofs"' EXIT
# sshd reads the keys as the user.
chmod 711 "$proofs"
ssh-keygen -q -t ed25519 -N '' -C temporary -f "$proofs/key"
chmod 644 "$proofs/key.pub"
