-- Prints a digest of all that roles.sql and rights.sql may change, by which 03-db knows whether they changed anything.
WITH schemas AS (SELECT oid, nspname, nspacl FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema')
SELECT 'state ' || md5(concat_ws('|',
  (SELECT string_agg(r::text, ',' ORDER BY rolname)
     FROM (SELECT rolname, rolsuper, rolcreatedb, rolcreaterole, rolcanlogin, rolreplication, rolbypassrls, rolpassword
             FROM pg_authid WHERE rolname IN ('app', 'developer')) r),
  (SELECT string_agg(s::text, ',' ORDER BY s::text) FROM (SELECT setrole, setconfig FROM pg_db_role_setting) s),
  (SELECT datdba::text || datacl::text FROM pg_database WHERE datname = current_database()),
  (SELECT string_agg(n::text, ',' ORDER BY nspname) FROM schemas n),
  (SELECT string_agg(d::text, ',' ORDER BY d::text) FROM (SELECT defaclrole, defaclobjtype, defaclacl FROM pg_default_acl) d),
  (SELECT string_agg(c::text, ',' ORDER BY oid) FROM (SELECT oid, relacl FROM pg_class WHERE relnamespace IN (SELECT oid FROM schemas)) c),
  (SELECT string_agg(a::text, ',' ORDER BY a::text) FROM (SELECT attrelid, attnum, attacl FROM pg_attribute WHERE attacl IS NOT NULL) a),
  (SELECT string_agg(p::text, ',' ORDER BY oid)
     FROM (SELECT oid, proacl FROM pg_proc WHERE proname ~ '^lo' OR pronamespace IN (SELECT oid FROM schemas)) p)));
