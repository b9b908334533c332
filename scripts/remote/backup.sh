# shellcheck shell=bash
# Functions that make a backup, in this order: ready, dump, pack.
#   folder   of the deployment
#   project  of Compose
#   db       PostgreSQL's container
#   rows     SQL that counts the rows of each table
#   wait     seconds for which pg_dump waits for a lock
#   key      public key; empty: the passphrase is used
#   passphrase   its file
# Functions: sql, seal, unseal, make, install.
: "${folder:?}" "${project:?}" "${db:?}" "${rows:?}" "${wait:?}" "${key?}" "${passphrase:?}"

work=
ready() { # makes the folder in which the parts are collected, and removes what a killed run has left
  # shellcheck disable=SC2174 # the folders above it are there
  mkdir -p -m 700 "$folder/backup" "$folder/backup/files"
  rm -rf "$folder"/backup/work-* "$folder"/backup/files/*.part
  command -v age >/dev/null || install age >&2
  [ -n "$key" ] || [ -s "$passphrase" ] || make "$passphrase"
  work=$(mktemp -d "$folder/backup/work-XXXXXXXX")
}

dump() { # dumps the database, and counts the rows in the same snapshot
  local snapshot session line
  coproc moment { sql; }
  # shellcheck disable=SC2154 # set by coproc
  session=$moment_PID
  exec {from}<&"${moment[0]}" {to}>&"${moment[1]}"
  echo 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT pg_export_snapshot();' >&"$to"
  read -r snapshot <&"$from"
  docker exec "$db" pg_dump -U postgres -Fc --lock-wait-timeout="${wait}s" --snapshot="$snapshot" prusa >"$work/database.dump" ||
    { echo 'pg_dump failed. If it waited for a lock, npm run verify says who holds it.' >&2; return 1; }
  printf '%s\n\\echo end\n' "$rows" >&"$to"
  while read -r line <&"$from" && [ "$line" != end ]; do echo "$line"; done >"$work/rows"
  [ "$line" = end ]
  echo '\q' >&"$to"
  exec {from}<&- {to}>&-
  wait "$session"
}

listed() { # checks that the dump can be read and has every table
  docker exec -i "$db" pg_restore --list <"$work/database.dump" >"$work/contents"
  [ "$(grep -c ' TABLE DATA ' "$work/contents")" -ge "$(wc -l <"$work/rows")" ] ||
    { echo 'The dump lacks tables of the database.' >&2; return 1; }
}

collect() { # copies the files that another server needs to be the same deployment
  local name
  mkdir "$work/files"
  cd "$folder" || return
  for name in compose targets secrets letsencrypt history.jsonl images backup/config backup/passphrase; do
    [ ! -e "$name" ] || cp -a --parents "$name" "$work/files"
  done
  if [ -e nginx/tls ]; then # a link to the installed pair
    mkdir "$work/files/nginx"
    cp -aL nginx/tls "$work/files/nginx"
  fi
}

releases() { # prints the images of the replicas: those of Compose, or those of Swarm, by the name of their target
  {
    docker ps --filter "label=com.docker.compose.project=$project" --filter label=com.docker.compose.service=app --format '{{.Image}}'
    docker service inspect --format '{{index .Spec.TaskTemplate.ContainerSpec.Labels "prusa.target"}}' "${project}_app" 2>/dev/null |
      sed -n "s|\(.*\)-[0-9a-f]\{8\}\$|$project/app:\1|p"
  } | sort -u || true
}

manifest() { # WHY WHO
  jq -n --arg when "$(date -u +%FT%TZ)" --arg why "$1" --arg who "$2" --arg host "$(hostname)" --arg project "$project" \
    --arg images "$(releases)" --arg postgres "$(sql <<<'SHOW server_version')" \
    --arg schema "$(sql <<<"SELECT coalesce(shobj_description(oid, 'pg_database'), '') FROM pg_database WHERE datname = 'prusa'")" \
    --argjson tables "$(wc -l <"$work/rows")" --argjson rows "$(awk -F'|' '{ n += $NF } END { print n + 0 }' "$work/rows")" \
    '{format: 1, $when, $why, $who, $host, $project, images: ($images | split("\n")), $postgres, $schema, $tables, $rows}'
}

pack() { # WHY WHO: makes the encrypted file, and prints a line of JSON about it
  local name part sum
  name=$project-$(date -u +%Y%m%d-%H%M%S).age
  part=$folder/backup/files/$name.part
  listed
  (collect)
  manifest "$1" "$2" >"$work/manifest.json"
  (cd "$work" && find . -type f -exec sha256sum {} + >"$work.sums" && mv "$work.sums" SHA256SUMS)
  tar -C "$work" -cf "$work.tar" .
  rm -rf "$work"/files "$work"/database.dump
  seal "$work.tar" "$part"
  # The server can check its own passphrase; it does not have the private key of a public key.
  if [ -z "$key" ]; then
    unseal "$part" "$work/again"
    cmp "$work.tar" "$work/again" >&2
  fi
  chmod 600 "$part"
  sync "$part"
  sum=$(sha256sum <"$part")
  mv "$part" "$folder/backup/files/$name"
  sync "$folder/backup/files"
  jq -c --arg file "$name" --arg sha256 "${sum%% *}" --argjson bytes "$(stat -c %s "$folder/backup/files/$name")" \
    '{when, who, why, result: "done", file: $file, bytes: $bytes, sha256: $sha256, tables, rows}' "$work/manifest.json"
  rm -rf "$work" "$work.tar"
}
