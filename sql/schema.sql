-- Prints a digest of all tables, columns and indexes, by which a rollback knows whether the schema has changed.
SELECT md5(concat_ws('|',
  (SELECT string_agg(concat_ws(' ', table_schema, table_name, column_name, data_type, is_nullable, column_default), ','
          ORDER BY table_schema, table_name, column_name)
     FROM information_schema.columns WHERE table_schema NOT IN ('pg_catalog', 'information_schema')),
  (SELECT string_agg(indexdef, ',' ORDER BY indexdef) FROM pg_indexes WHERE schemaname NOT IN ('pg_catalog', 'information_schema'))));
