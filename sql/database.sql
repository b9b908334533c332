-- The database, run in the database `postgres`; repeatable. It is missing after a first start that was cut off.
SELECT 'CREATE DATABASE prusa TEMPLATE template0'
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'prusa') \gexec

-- A line when texts are sorted otherwise than when the indexes were made: the C library has changed with the image.
SELECT $$SELECT 'sorting ' || datcollversion || ' ' || actual
           FROM pg_database, pg_database_collation_actual_version(oid) actual
          WHERE datname = 'prusa' AND datcollversion <> actual$$
 WHERE to_regprocedure('pg_database_collation_actual_version(oid)') IS NOT NULL \gexec
