# shellcheck shell=bash
# `take` makes this shell the holder of a deployment's lock, until it ends or lets go.
#   folder    of the deployment
#   holder    who takes it, for the one who has to wait: WHO since WHEN for WHAT
#   token     what its steps are known by (fence.mts); nobody else's
#   patience  seconds to wait for the holder of now
#   overdue   seconds to wait for a step that a killed holder has left under way
# It prints `held HOLDER` or `stuck PIDS HOLDER` when it fails, `waiting HOLDER` while it waits for such a step.
# Whoever takes it says by `linger` how a second passes meanwhile, and whether the lock is still wanted after it.
: "${folder:?}" "${holder:?}" "${token:?}" "${patience:?}" "${overdue:?}"

take() {
  local before
  # shellcheck disable=SC2174 # the folders above it are not ours
  [ -d "$folder" ] || mkdir -p -m 700 "$folder"
  cd "$folder" || return
  exec 9>>lock
  flock -w "$patience" 9 || { echo "held $(cat lock.holder)"; return 1; }
  before=somebody
  [ ! -e lock.holder ] || before=$(<lock.holder)
  put lock.token "$token" # from here on no other holder's step begins
  put lock.holder "$holder"
  exec 8>>lock.moves
  until_still "$before" || { rm lock.token; return 1; }
  exec 8>&-
}

put() { # FILE TEXT: a reader sees the old one or the new one
  echo "$2" >"$1.next"
  mv -f "$1.next" "$1"
}

until_still() { # HOLDER: waits for the step that it has left under way
  local end=$((SECONDS + overdue)) self=$BASHPID
  # A run that has just ended may put something in order yet (balancer.pl).
  flock -w 5 8 9>&- && return
  echo "waiting $1"
  # Not flock's own waiting: that would go on, and keep the lock, when this shell is killed.
  until flock -n 8; do
    if [ $SECONDS -ge $end ]; then
      echo "stuck $(moving) $1"
      return 1
    fi
    linger || return
  done
}

moving() { # the others that hold lock.moves, with commas between them
  local fd pid pids=
  for fd in /proc/[0-9]*/fd/*; do
    pid=${fd#/proc/}
    pid=${pid%%/*}
    if [ "$pid" != "$self" ] && [ "$pid" != "$BASHPID" ] && [ "$fd" -ef lock.moves ] && [[ ",$pids," != *",$pid,"* ]]; then pids+=${pids:+,}$pid; fi
  done
  echo "$pids"
}
