# shellcheck shell=bash
# Brings the database, roles, rights and passwords to what sql/ and the secrets say. Prints the state before and after.
# `sql`, `opens` and `variable` are given. A password counts as current when it opens the role, as the application would;
# only another one is set anew: setting it gives it another salt, which would be a change on every run.
#   owner         file with the owner's password
#   idle_timeout  seconds that a transaction of the developer may do nothing
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
