# shellcheck shell=bash
# Defines `sql [DATABASE]`: runs statements from its input as the superuser. Names are looked up only in PostgreSQL's own
# schema: else a function that `app` made could match a call better, and would run with the superuser's rights.
#   db  PostgreSQL's container
: "${db:?}"

sql() {
  docker exec -i -e PGOPTIONS=-csearch_path=pg_catalog "$db" \
    psql -v ON_ERROR_STOP=1 -qAtX -U postgres -d "${1:-prusa}"
}
