-- Creates the database. Run in the database `postgres`; repeatable.
SELECT 'CREATE DATABASE prusa TEMPLATE template0'
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'prusa') \gexec

-- Prints a line if the sort order has changed since the indexes were made: a new image may have another C library.
SELECT $$SELECT 'sorting ' || datcollversion || ' ' || actual
           FROM pg_database, pg_database_collation_actual_version(oid) actual
          WHERE datname = 'prusa' AND datcollversion <> actual$$
 WHERE to_regprocedure('pg_database_collation_actual_version(oid)') IS NOT NULL \gexec
