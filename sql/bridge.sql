-- The role app_bridge, which replicas use while the owner's password changes. A session of it acts as `app` from its first
-- statement, so `app` owns what it makes. Run as postgres; repeatable. psql variable:
--   bridge_password    creates the role with this password; unset: removes the role
SET log_statement = 'none';
SET log_min_error_statement = 'panic';
SET password_encryption = 'scram-sha-256';

\if :{?bridge_password}
  -- PostgreSQL may still use an older pg_hba.conf without this role.
  SELECT pg_reload_conf() \g /dev/null
  SELECT 'CREATE ROLE app_bridge' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'app_bridge') \gexec
  ALTER ROLE app_bridge LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD :'bridge_password';
  GRANT app TO app_bridge;
  ALTER ROLE app_bridge IN DATABASE prusa SET role = app;
\else
  -- A session that returned to its own name (RESET SESSION AUTHORIZATION) may have made objects.
  SELECT unnest(ARRAY['REASSIGN OWNED BY app_bridge TO app', 'DROP OWNED BY app_bridge', 'DROP ROLE app_bridge'])
   WHERE EXISTS (SELECT FROM pg_roles WHERE rolname = 'app_bridge') \gexec
\endif
