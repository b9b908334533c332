-- Sessions that hold a lock for which other sessions wait, a line each. psql variable:
--   waiters    client addresses of the waiting sessions, separated by blanks; empty: all
SELECT DISTINCT format('%s (process %s), %s since %s: %s', b.usename, b.pid, b.state,
         to_char(b.xact_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"'), left(regexp_replace(b.query, '\s+', ' ', 'g'), 200))
  FROM pg_stat_activity w CROSS JOIN unnest(pg_blocking_pids(w.pid)) p(pid) JOIN pg_stat_activity b ON b.pid = p.pid
 WHERE w.wait_event_type = 'Lock' AND b.wait_event_type IS DISTINCT FROM 'Lock'
   AND (trim(:'waiters') = '' OR host(w.client_addr) = ANY(string_to_array(trim(:'waiters'), ' ')));
