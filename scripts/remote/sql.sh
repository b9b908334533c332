# shellcheck shell=bash
# `sql [DATABASE]`: runs statements as the superuser. Names are looked up in PostgreSQL's own schema and nowhere else: `app`
# may make a function that fits a call better than PostgreSQL's, and it would run with the superuser's rights.
#   db  PostgreSQL's container
: "${db:?}"

sql() {
  docker exec -i -e PGOPTIONS=-csearch_path=pg_catalog "$db" \
    psql -v ON_ERROR_STOP=1 -qAtX -U postgres -d "${1:-prusa}"
}
