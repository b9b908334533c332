-- The two roles of the database `prusa`, run as postgres; repeatable. psql variables:
--   owner_password, developer_password    set only when the role's present password is another one
-- A password is not written to the server's log, not even by a statement that fails.
SET log_statement = 'none';
SET log_min_error_statement = 'panic';
SET password_encryption = 'scram-sha-256';

SELECT 'CREATE ROLE app' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'app') \gexec
SELECT 'CREATE ROLE developer' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'developer') \gexec
ALTER ROLE app       LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
ALTER ROLE developer LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
\if :{?owner_password}
  ALTER ROLE app PASSWORD :'owner_password';
\endif
\if :{?developer_password}
  ALTER ROLE developer PASSWORD :'developer_password';
\endif

-- app: the owner, full access.
ALTER DATABASE prusa OWNER TO app;

-- Nobody else by default: no connection, no temporary tables.
REVOKE ALL ON DATABASE prusa FROM PUBLIC;
REVOKE ALL ON SCHEMA public FROM PUBLIC;

-- developer: connects and reads what is there today …
GRANT CONNECT ON DATABASE prusa TO developer;
GRANT USAGE ON SCHEMA public TO developer;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO developer;
GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO developer;
-- … and what app creates tomorrow, in whatever schema.
ALTER DEFAULT PRIVILEGES FOR ROLE app GRANT USAGE ON SCHEMAS TO developer;
ALTER DEFAULT PRIVILEGES FOR ROLE app GRANT SELECT ON TABLES TO developer;
ALTER DEFAULT PRIVILEGES FOR ROLE app GRANT SELECT ON SEQUENCES TO developer;
-- A mistake in a session is caught first here; the missing rights are what protects.
ALTER ROLE developer IN DATABASE prusa SET default_transaction_read_only = on;

-- developer calls no function that writes: none of app's, whose functions may run with app's rights …
REVOKE EXECUTE ON ALL ROUTINES IN SCHEMA public FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE app REVOKE EXECUTE ON ROUTINES FROM PUBLIC;
-- … and none of those that make large objects, which PostgreSQL lets everyone call.
REVOKE EXECUTE ON FUNCTION
  lo_creat(integer), lo_create(oid), lo_from_bytea(oid, bytea), lo_put(oid, bigint, bytea),
  lo_open(oid, integer), lowrite(integer, bytea), lo_truncate(integer, integer),
  lo_truncate64(integer, bigint), lo_unlink(oid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
  lo_creat(integer), lo_create(oid), lo_from_bytea(oid, bytea), lo_put(oid, bigint, bytea),
  lo_open(oid, integer), lowrite(integer, bytea), lo_truncate(integer, integer),
  lo_truncate64(integer, bigint), lo_unlink(oid) TO app;
