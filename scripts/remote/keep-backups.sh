# shellcheck shell=bash
# The function keep_backups removes old backups. It keeps all of the last days that have a backup, and the last one of each of
# the last weeks that have one. So a server that was off for a month keeps its backups.
#   project  of Compose
#   daily, weekly  the number of days and weeks
: "${project:?}" "${daily:?}" "${weekly:?}"

keep_backups() { # FOLDER
  local files day week at
  local -A days=() weeks=()
  files=("$1/$project"-????????-??????.age)
  for ((at = ${#files[@]} - 1; at >= 0; at--)); do # the latest first
    day=${files[at]: -19:8}
    week=$(date -d "$day" +%G-%V 2>/dev/null) || continue # the name has no date
    if [ ${#days[@]} -lt "$daily" ]; then days[$day]=kept; fi
    if [ -z "${weeks[$week]:-}" ] && [ ${#weeks[@]} -lt "$weekly" ]; then
      weeks[$week]=kept
    elif [ -z "${days[$day]:-}" ]; then
      rm "${files[at]}"
    fi
  done
}
