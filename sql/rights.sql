-- developer may read everything and write nothing; no other role gets in. Run as postgres, in the database, whenever app may
-- have made new objects; repeatable. In one transaction, so that no session sees a right missing for a moment.
BEGIN;

-- By default nobody may connect or make temporary tables.
REVOKE ALL ON DATABASE :"DBNAME" FROM PUBLIC, developer;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT CONNECT ON DATABASE :"DBNAME" TO developer;

-- The schemas, relations and routines of the application. Parts of an extension or of a range type keep their own rights:
-- everybody may call citext_eq, since comparing two citext values calls it.
CREATE TEMPORARY VIEW part AS
  SELECT classid, objid, refobjid AS whole FROM pg_depend
   WHERE deptype = 'e' OR deptype = 'i' AND classid = 'pg_proc'::regclass;
CREATE TEMPORARY VIEW made_schema AS
  SELECT oid, quote_ident(nspname) AS name, nspacl AS acl FROM pg_namespace n
   WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
     AND NOT EXISTS (SELECT FROM part WHERE classid = n.tableoid AND objid = n.oid);
CREATE TEMPORARY VIEW made_relation AS
  SELECT CASE relkind WHEN 'S' THEN 'SEQUENCE ' ELSE 'TABLE ' END || c.oid::regclass AS name,
         relacl || (SELECT array_agg(a) FROM pg_attribute, unnest(attacl) a WHERE attrelid = c.oid) AS acl
    FROM pg_class c
   WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND relnamespace IN (SELECT oid FROM made_schema)
     AND NOT EXISTS (SELECT FROM part WHERE classid = c.tableoid AND objid = c.oid);
CREATE TEMPORARY VIEW made_routine AS
  SELECT 'ROUTINE ' || p.oid::regprocedure AS name, prosecdef AS as_owner, has_function_privilege('app', p.oid, 'EXECUTE') AS apps,
         has_function_privilege('developer', p.oid, 'EXECUTE') AS developers,
         pg_get_userbyid(proowner) = 'app' AND (lanpltrusted OR lanname = 'internal') AS harmless
    FROM pg_proc p JOIN pg_language l ON l.oid = prolang
   WHERE pronamespace IN (SELECT oid FROM made_schema)
     AND NOT EXISTS (SELECT FROM part WHERE classid = p.tableoid AND objid = p.oid);

-- Removes rights to write from everybody and from developer. app keeps them, even if it had them as everybody.
SELECT 'GRANT ALL ON ' || name || ' TO app', 'REVOKE ALL ON ' || name || ' FROM PUBLIC, developer'
  FROM (SELECT name, acl, 'SELECT' AS reading FROM made_relation
        UNION ALL SELECT 'SCHEMA ' || name, acl, 'USAGE' FROM made_schema) one
 WHERE EXISTS (SELECT FROM aclexplode(acl) WHERE grantee IN (0, 'developer'::regrole) AND privilege_type <> reading) \gexec

-- developer reads what is there today …
SELECT format('GRANT USAGE ON SCHEMA %s TO developer', name), format('GRANT SELECT ON ALL TABLES IN SCHEMA %s TO developer', name),
       format('GRANT SELECT ON ALL SEQUENCES IN SCHEMA %s TO developer', name)
  FROM made_schema \gexec
-- … and what app creates tomorrow, in whatever schema.
ALTER DEFAULT PRIVILEGES FOR ROLE app GRANT USAGE ON SCHEMAS TO developer;
ALTER DEFAULT PRIVILEGES FOR ROLE app GRANT SELECT ON TABLES TO developer;
ALTER DEFAULT PRIVILEGES FOR ROLE app GRANT SELECT ON SEQUENCES TO developer;
-- This catches mistakes early; the missing rights are the protection.
ALTER ROLE developer IN DATABASE :"DBNAME" SET default_transaction_read_only = on;

-- developer may call no routine that runs with its owner's rights, since it could write, now or in the future.
ALTER DEFAULT PRIVILEGES FOR ROLE app REVOKE EXECUTE ON ROUTINES FROM PUBLIC;
SELECT CASE WHEN apps THEN 'GRANT EXECUTE ON ' || name || ' TO app' END,
       'REVOKE EXECUTE ON ' || name || ' FROM PUBLIC, developer'
  FROM made_routine WHERE as_owner AND developers \gexec
-- developer may call routines that run with the caller's rights. Views, operators and range types need them.
SELECT 'GRANT EXECUTE ON ' || name || ' TO developer' FROM made_routine WHERE NOT as_owner AND harmless AND NOT developers \gexec
-- developer may make no large objects; PostgreSQL lets everybody call these functions.
REVOKE EXECUTE ON FUNCTION
  lo_creat(integer), lo_create(oid), lo_from_bytea(oid, bytea), lo_put(oid, bigint, bytea),
  lo_open(oid, integer), lowrite(integer, bytea), lo_truncate(integer, integer),
  lo_truncate64(integer, bigint), lo_unlink(oid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
  lo_creat(integer), lo_create(oid), lo_from_bytea(oid, bytea), lo_put(oid, bigint, bytea),
  lo_open(oid, integer), lowrite(integer, bytea), lo_truncate(integer, integer),
  lo_truncate64(integer, bigint), lo_unlink(oid) TO app;

-- An earlier version of this file revoked all routines from everybody, those of extensions included. If an extension has
-- none left, it gets them back. If only some are missing, an administrator has revoked them.
SELECT 'GRANT EXECUTE ON ROUTINE ' || routine || ' TO PUBLIC'
  FROM (SELECT p.oid::regprocedure AS routine, bool_and(proacl IS NOT NULL AND NOT EXISTS (SELECT FROM aclexplode(proacl) WHERE grantee = 0))
                 OVER (PARTITION BY whole) AS all_taken
          FROM pg_proc p JOIN part ON classid = p.tableoid AND objid = p.oid
          LEFT JOIN pg_init_privs i ON i.classoid = p.tableoid AND i.objoid = p.oid
         WHERE i.initprivs IS NULL OR EXISTS (SELECT FROM aclexplode(i.initprivs) WHERE grantee = 0)) one
 WHERE all_taken \gexec
COMMIT;
