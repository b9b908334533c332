# shellcheck shell=bash
# `take` makes this shell the holder of a deployment's lock, until it ends or frees the lock.
#   folder    of the deployment
#   holder    the new holder, for those who wait: WHO since WHEN for WHAT
#   token     the new holder's scripts carry it (fence.mts); no other holder has the same
#   patience  seconds to wait for the present holder
#   overdue   seconds to wait for a step of a killed holder that is still under way
# It prints `held HOLDER` or `stuck PIDS HOLDER` when it fails, and `waiting HOLDER` while it waits for such a step.
# The caller defines `linger`: it waits for a second, and returns false when the lock is not wanted any more.
: "${folder:?}" "${holder:?}" "${token:?}" "${patience:?}" "${overdue:?}"

take() {
  local before
  # shellcheck disable=SC2174 # the mode is not meant for the folders above
  [ -d "$folder" ] || mkdir -p -m 700 "$folder"
  cd "$folder" || return
  exec 9>>lock
  flock -w "$patience" 9 || { echo "held $(cat lock.holder)"; return 1; }
  before=somebody
  [ ! -e lock.holder ] || before=$(<lock.holder)
  put lock.token "$token" # from now on, no script of another holder begins
  put lock.holder "$holder"
  exec 8>>lock.moves
  until_still "$before" || { rm lock.token; return 1; }
  exec 8>&-
}

put() { # FILE TEXT: replaces the file by a rename, so that a reader sees the old text or the new one
  echo "$2" >"$1.next"
  mv -f "$1.next" "$1"
}

until_still() { # HOLDER: waits until its last step has ended
  local end=$((SECONDS + overdue)) self=$BASHPID
  # A run that has just ended may still be cleaning up (balancer.pl).
  flock -w 5 8 9>&- && return
  echo "waiting $1"
  # A flock that waits would go on, and keep the lock, after this shell is killed.
  until flock -n 8; do
    if [ $SECONDS -ge $end ]; then
      echo "stuck $(moving) $1"
      return 1
    fi
    linger || return
  done
}

moving() { # prints the ids of the other processes that hold lock.moves, separated by commas
  local fd pid pids=
  for fd in /proc/[0-9]*/fd/*; do
    pid=${fd#/proc/}
    pid=${pid%%/*}
    if [ "$pid" != "$self" ] && [ "$pid" != "$BASHPID" ] && [ "$fd" -ef lock.moves ] && [[ ",$pids," != *",$pid,"* ]]; then pids+=${pids:+,}$pid; fi
  done
  echo "$pids"
}
