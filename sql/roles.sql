-- The two roles; rights.sql has the rights of developer. Run as postgres, in the database; repeatable. psql variables:
--   owner_password, developer_password    set only if the role has another password
--   idle_timeout                          for an idle transaction of developer
-- Passwords are not logged, not even by a statement that fails.
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

-- An idle session of developer must not keep a lock that a migration needs.
ALTER ROLE developer IN DATABASE :"DBNAME" SET idle_in_transaction_session_timeout = :'idle_timeout';

-- app: the owner, full access.
ALTER DATABASE :"DBNAME" OWNER TO app;
