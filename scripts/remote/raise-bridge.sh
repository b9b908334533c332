# shellcheck shell=bash
# Makes a new password for the owner, and the role app_bridge with it. Uses the password that an interrupted run has made.
# Functions: make, sql, opens, variable.

secret=secrets/db_owner_password
if [ -e $secret.next ]; then next=$secret.next; else next=$secret.new; fi
[ -e $next ] || make $next
{ variable bridge_password $next; cat sql/bridge.sql; } | sql
end=$((SECONDS + 5)) # PostgreSQL loads a new pg_hba.conf in the background
until opens app_bridge $next; do
  if [ $SECONDS -ge $end ]; then
    echo 'app_bridge cannot log in' >&2
    exit 1
  fi
  sleep 0.1
done
[ $next = $secret.next ] || mv $next $secret.next
