# shellcheck shell=bash
# Restores the database of an opened backup as prusa_restored, with all its rights. The live database is not touched.
#   folder        of the deployment
#   work          folder of the opened backup
#   db            PostgreSQL's container
#   rows          SQL that counts the rows of each table
#   idle_timeout  seconds for an idle transaction of developer
# Functions: sql.
: "${folder:?}" "${work:?}" "${db:?}" "${rows:?}" "${idle_timeout:?}"

fresh=prusa_restored
cd "$folder" || exit
dump=$work/database.dump
sql postgres <<SQL
SELECT pg_reload_conf() \g /dev/null
DROP DATABASE IF EXISTS $fresh WITH (FORCE);
CREATE DATABASE $fresh OWNER app TEMPLATE template0;
SQL

# As `app`, the owner, and not as the superuser: the dump has functions of the application, and they run while the rows are
# restored. What only a superuser can create is left out, apart from extensions, which have no code of the application.
contents() { docker exec -i "$db" pg_restore --list <"$dump"; }
listed=$(contents | grep -vE '^[0-9]+; [0-9]+ [0-9]+ (EVENT TRIGGER|PUBLICATION|SUBSCRIPTION|COMMENT - EXTENSION) | DEFAULT ACL .* postgres$')
{
  printf "\\\\set names '%s'\n" "$(sed -n 's/^[0-9]*; [0-9]* [0-9]* EXTENSION - \([a-z0-9_-]*\) .*/\1/p' <<<"$listed" | paste -sd,)"
  cat <<'SQL'
SELECT format('CREATE EXTENSION IF NOT EXISTS %I CASCADE', v.name)
  FROM pg_available_extensions e JOIN pg_available_extension_versions v ON v.name = e.name AND v.version = default_version
 WHERE superuser AND NOT trusted AND v.name = ANY (string_to_array(:'names', ',')) \gexec
SQL
} | sql $fresh
docker exec -i "$db" sh -c 'cat >/tmp/restored.list' <<<"$listed"
PGPASSWORD=$(head -n1 secrets/db_owner_password)
export PGPASSWORD
docker exec -i -e PGPASSWORD "$db" pg_restore -h 127.0.0.1 -U app -d $fresh --no-owner --exit-on-error \
  --use-list /tmp/restored.list <"$dump" >&2
docker exec "$db" rm /tmp/restored.list

diff <(sql $fresh <<<"$rows") "$work/rows" >&2 || { echo 'The number of rows is another one than at the backup.' >&2; exit 1; }
{
  printf "\\\\set idle_timeout '%ss'\n\\\\set schema '%s'\n" "$idle_timeout" "$(jq -r .schema "$work/manifest.json" | sed "s/[\\\\']/\\\\&/g")"
  cat sql/roles.sql sql/rights.sql
  echo "COMMENT ON DATABASE $fresh IS :'schema'; ANALYZE;"
} | sql $fresh
