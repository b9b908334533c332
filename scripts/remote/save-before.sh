# shellcheck shell=bash
# Functions for schema.sh. save_before dumps the database before create_db.py runs. keep_saved makes a backup of the dump,
# if the schema has changed, and prints `backup NAME`.
#   folder   of the deployment
#   who      makes it
#   release  of create_db.py
# Functions: ready, dump, pack, sql.
: "${folder:?}" "${who:?}" "${release:?}"
declare work

save_before() {
  [ "$(sql <<<"SELECT count(*) FROM pg_tables WHERE tableowner = 'app'")" != 0 ] || return 0
  ready
  saved=("$work" "$work.tar")
  dump
}

keep_saved() {
  [ ${#saved[@]} != 0 ] || return 0
  saved=()
  # Only seen if the next line fails.
  echo "The schema has changed. The dump from before is in $work, until the next backup." >&2
  pack "before the schema of release $release" "$who" | tee -a "$folder/backup/results.jsonl" | jq -r '"backup \(.file)"'
}
