-- app_bridge stands in for the owner while the owner's password is changed: replicas log in by it and are `app` from the
-- first statement on, so that what they make is app's. Run as postgres; repeatable. psql variable:
--   bridge_password    the role is there with this password; unset: it is gone
SET log_statement = 'none';
SET log_min_error_statement = 'panic';
SET password_encryption = 'scram-sha-256';

\if :{?bridge_password}
  -- A pg_hba.conf from before this role was known may still be in force.
  SELECT pg_reload_conf() \g /dev/null
  SELECT 'CREATE ROLE app_bridge' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'app_bridge') \gexec
  ALTER ROLE app_bridge LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD :'bridge_password';
  GRANT app TO app_bridge;
  ALTER ROLE app_bridge IN DATABASE prusa SET role = app;
\else
  -- One that went back to its own name (RESET SESSION AUTHORIZATION) may own something.
  SELECT unnest(ARRAY['REASSIGN OWNED BY app_bridge TO app', 'DROP OWNED BY app_bridge', 'DROP ROLE app_bridge'])
   WHERE EXISTS (SELECT FROM pg_roles WHERE rolname = 'app_bridge') \gexec
\endif
