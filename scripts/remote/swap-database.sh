# shellcheck shell=bash
# Gives the name prusa to another database, in one transaction. The one before gets the name prusa_before_TIME. Prints that
# name, and the milliseconds for which no session could use the database.
#   fresh  name of the other database; `before`: the latest prusa_before_TIME. Prints nothing if there is none
# Functions: sql.
: "${fresh:?}"

if [ "$fresh" = before ]; then
  fresh=$(sql postgres <<<"SELECT datname FROM pg_database WHERE datname ~ '^prusa_before_[0-9]+$' ORDER BY 1 DESC LIMIT 1")
  [ -n "$fresh" ] || exit 0
fi
before=prusa_before_$(date -u +%Y%m%d%H%M%S)

# A database cannot be renamed while sessions use it. The transaction below blocks new sessions from its first statement on,
# and waits for up to 5 s for the end of the present ones. This function ends them.
disconnect() {
  sql postgres <<'SQL'
DO $$
DECLARE old oid := (SELECT oid FROM pg_database WHERE datname = 'prusa');
BEGIN
  FOR try IN 1..500 LOOP
    PERFORM pg_terminate_backend(pid) FROM pg_stat_activity WHERE datid = old;
    PERFORM pg_sleep(0.01);
    PERFORM pg_stat_clear_snapshot();
    EXIT WHEN NOT EXISTS (SELECT FROM pg_database WHERE oid = old AND datname = 'prusa');
  END LOOP;
END $$;
SQL
}

milliseconds() { date +%s%3N; }
began=$(milliseconds)
disconnect &
if ! sql postgres <<SQL
BEGIN;
ALTER DATABASE prusa RENAME TO $before;
ALTER DATABASE $fresh RENAME TO prusa;
COMMIT;
SQL
then
  wait
  exit 1
fi
echo "$before $(($(milliseconds) - began))"
wait
