-- One line that changes when roles.sql changes something: how the deployment knows that a second run changed nothing.
SELECT 'state ' || md5(concat_ws('|',
  (SELECT string_agg(r::text, ',' ORDER BY rolname)
     FROM (SELECT rolname, rolsuper, rolcreatedb, rolcreaterole, rolcanlogin, rolreplication, rolbypassrls, rolpassword
             FROM pg_authid WHERE rolname IN ('app', 'developer')) r),
  (SELECT string_agg(s::text, ',' ORDER BY s::text) FROM (SELECT setrole, setconfig FROM pg_db_role_setting) s),
  (SELECT datdba::text || datacl::text FROM pg_database WHERE datname = current_database()),
  (SELECT string_agg(n::text, ',' ORDER BY nspname) FROM (SELECT nspname, nspacl FROM pg_namespace WHERE nspname !~ '^pg_') n),
  (SELECT string_agg(d::text, ',' ORDER BY d::text) FROM (SELECT defaclrole, defaclobjtype, defaclacl FROM pg_default_acl) d),
  (SELECT string_agg(c::text, ',' ORDER BY relname) FROM (SELECT relname, relacl FROM pg_class WHERE relnamespace = 'public'::regnamespace) c),
  (SELECT string_agg(p::text, ',' ORDER BY p::text) FROM (SELECT proname, proacl FROM pg_proc WHERE proname ~ '^lo' OR pronamespace = 'public'::regnamespace) p)));
