# shellcheck shell=bash
# What passwords have to do with PostgreSQL; they stay on standard input all the way.
#   folder  of the deployment, where what follows happens
#   db      PostgreSQL's container
: "${folder:?}" "${db:?}"

cd "$folder" || exit

opens() { # ROLE SECRET
  # shellcheck disable=SC2016 # the inner shell's own words
  docker exec -i "$db" sh -c 'IFS= read -r PGPASSWORD; export PGPASSWORD; exec psql -h 127.0.0.1 -U "$0" -d prusa -qAtX -c "SELECT 1"' "$1" <"$2" >/dev/null 2>&1
}

variable() { # NAME SECRET: a psql variable, quoted as psql wants it
  printf "\\\\set %s '%s'\n" "$1" "$(head -n1 "$2" | sed "s/[\\\\']/\\\\&/g")"
}
