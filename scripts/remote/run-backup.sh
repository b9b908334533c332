# shellcheck shell=bash
# Makes a backup, removes old ones, and writes the result to backup/results.jsonl. Prints that line.
#   folder    of the deployment
#   why, who  for that line
#   held      `yes`: the caller holds the lock
# Functions: ready, dump, pack, keep_backups, sql; take, for the lock.
: "${folder:?}" "${why:?}" "${who:?}" "${held?}"

umask 077
# shellcheck disable=SC2174 # the folders above it are there
mkdir -p -m 700 "$folder/backup"
log=$(mktemp)
taken=

note() { tee -a "$folder/backup/results.jsonl"; }
ended() { # EXIT_CODE
  cat "$log" >&4
  if [ "$1" != 0 ]; then
    [ -z "$work" ] || rm -rf "$work" "$work.tar" "$folder"/backup/files/*.part
    jq -nc --arg when "$(date -u +%FT%TZ)" --arg why "$why" --arg who "$who" --arg error "$(tail -n 5 "$log")" \
      '{$when, $who, $why, result: "failed", $error}' | note >/dev/null || true
  fi
  rm -f "$log" ${taken:+"$folder/lock.token"}
}
exec 4>&2 2>"$log"
trap 'ended $?' EXIT

if [ "$held" != yes ]; then
  linger() { sleep 1; }
  take >&2
  taken=yes
fi
ready
dump
pack "$why" "$who" | note
# The databases from before a restoration are kept until here.
sql postgres <<<"SELECT format('DROP DATABASE %I WITH (FORCE)', datname) FROM pg_database WHERE datname ~ '^prusa_before_' \gexec"
keep_backups "$folder/backup/files"
