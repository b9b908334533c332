# shellcheck shell=bash
# Defines `opens` and `variable`, which pass passwords to PostgreSQL on standard input only. Changes to the folder.
#   folder  of the deployment
#   db      PostgreSQL's container
: "${folder:?}" "${db:?}"

cd "$folder" || exit

opens() { # ROLE SECRET: whether the password opens the role, by TCP as the application logs in
  # shellcheck disable=SC2016 # the inner shell's own words
  docker exec -i "$db" sh -c 'IFS= read -r PGPASSWORD; export PGPASSWORD; exec psql -h 127.0.0.1 -U "$0" -d prusa -qAtX -c "SELECT 1"' "$1" <"$2" >/dev/null 2>&1
}

variable() { # NAME SECRET: prints the command that sets a psql variable
  printf "\\\\set %s '%s'\n" "$1" "$(head -n1 "$2" | sed "s/[\\\\']/\\\\&/g")"
}
