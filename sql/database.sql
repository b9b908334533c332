-- The database, run in the database `postgres`; repeatable. It is missing after a first start that was cut off.
SELECT 'CREATE DATABASE prusa TEMPLATE template0'
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'prusa') \gexec
