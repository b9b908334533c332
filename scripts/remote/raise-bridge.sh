# shellcheck shell=bash
# Makes a new password for the owner and lets it open the role app_bridge, which stands in for the owner. One that an earlier
# run has made is used. `make`, `sql`, `opens` and `variable` are given.

secret=secrets/db_owner_password
if [ -e $secret.next ]; then next=$secret.next; else next=$secret.new; fi
[ -e $next ] || make $next
{ variable bridge_password $next; cat sql/bridge.sql; } | sql
end=$((SECONDS + 5)) # PostgreSQL takes over a new pg_hba.conf in the background
until opens app_bridge $next; do
  if [ $SECONDS -ge $end ]; then
    echo 'app_bridge cannot log in' >&2
    exit 1
  fi
  sleep 0.1
done
[ $next = $secret.next ] || mv $next $secret.next
