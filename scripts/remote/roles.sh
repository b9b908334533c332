# shellcheck shell=bash
# Sets up the database, roles, rights and passwords as sql/ and the secrets say. Prints the state before and after.
# A password is set only if it does not open the role yet: to set it again would change its salt, a change on every run.
#   owner         file with the owner's password
#   idle_timeout  seconds that a transaction of developer may be idle
# Functions: sql, opens, variable.
: "${owner:?}" "${idle_timeout:?}"

developer=secrets/db_developer_password
sql postgres <sql/database.sql
{
  echo "\\set idle_timeout ${idle_timeout}s"
  cat sql/state.sql
  opens app "$owner" || variable owner_password "$owner"
  opens developer $developer || variable developer_password $developer
  cat sql/roles.sql sql/rights.sql sql/state.sql
} | sql
