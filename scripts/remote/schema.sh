# shellcheck shell=bash
# Lets a release prepare its schema by the application's create_db.py, in a container of its own. Both last as long as the
# standard input, which ends with whoever began it; then nothing of it is left, neither a container nor a session in the
# database that would go on when the lock that it waits for is free.
#   project, release
#   lock       seconds that a statement may wait for a lock
#   tries      times
#   deadline   seconds for all of it
#   contended  exit code when a lock was not to be had; who has it is printed, a line each
# `compose` and `sql` are given. Prints `prepared` and `changed`.
: "${project:?}" "${release:?}" "${lock:?}" "${tries:?}" "${deadline:?}" "${contended:?}"

name=$project-schema
mark="schema of release $release"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
exec 3<&0 # bash gives no input to what runs in the background

# Ends with the input, also when this shell was killed: a script that waits for PostgreSQL lets other threads run.
tied='import os, runpy, sys, threading
def until_the_end():
    while os.read(0, 100):
        pass
    os._exit(1)
threading.Thread(target=until_the_end, daemon=True).start()
sys.argv[:] = ["create_db.py"]
runpy.run_path("create_db.py", run_name="__main__")'

shape() { sql <sql/schema.sql; }
prepared() {
  sql <<<"SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = 'prusa' AND EXISTS (SELECT FROM pg_tables WHERE tableowner = 'app')"
}

begin() { # whatever the image starts by itself, this is Python
  compose run --rm --no-deps -T --name "$name" --entrypoint python \
    --env PGOPTIONS="-c lock_timeout=${lock}s -c client_connection_check_interval=1s" app -c "$tied" <&3 >"$log" 2>&1 &
}

addresses() { # of the container, a blank between two
  docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}' "$name" 2>/dev/null || true
}

end() { # however far it has come
  local its pids
  its="client_addr = ANY(string_to_array(trim('$(addresses)'), ' ')::inet[])"
  pids=$(sql <<<"SELECT coalesce(string_agg(pid::text, ','), '0') FROM pg_stat_activity WHERE $its")
  docker rm -f "$name" >/dev/null 2>&1 || true
  sql <<<"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid IN ($pids) AND $its" >/dev/null
  rm -f "$log"
}

lasting() { # waits for it; sets `blockers`
  local its=
  while kill -0 $! 2>/dev/null; do
    read -r -t 0.1 -u 3 || [ $? -gt 128 ] || exit 1
    if [ "$SECONDS" -ge "$deadline" ]; then
      echo "create_db.py has not ended within $deadline s" >&2
      exit 1
    fi
    if [ -z "$its" ]; then its=$(addresses); else look "$its"; fi
  done
  wait $!
}

look() { # ADDRESSES: who keeps them waiting, if anybody does
  local line seen=
  { printf "\\\\set waiters '%s'\n" "$1"; cat sql/blockers.sql; printf '\\echo end\n'; } >&"${asked[1]}"
  while read -r -u "${asked[0]}" line && [ "$line" != end ]; do seen+=${seen:+$'\n'}$line; done
  if [ -n "$seen" ]; then blockers=$seen; fi
}

[ "$(prepared)" != "$mark" ] || exit 0
before=$(shape)
trap end EXIT
coproc asked { sql; } # one session for all questions: to begin one takes longer than a lock may be waited for
for ((try = 1; ; try++)); do
  blockers=
  begin
  if lasting; then break; fi
  if ! grep -qE 'LockNotAvailable|lock timeout' "$log"; then
    cat "$log" >&2
    exit 1
  fi
  if [ "$try" -ge "$tries" ]; then
    echo "$blockers"
    exit "$contended"
  fi
  read -r -t "$lock" -u 3 || [ $? -gt 128 ] || exit 1 # those who have queued behind it come first
done
trap 'rm -f "$log"' EXIT
cat "$log" >&2
sql <sql/rights.sql
sql <<<"COMMENT ON DATABASE prusa IS '$mark'"
echo prepared
[ "$before" = "$(shape)" ] || echo changed
