# shellcheck shell=bash
# Runs create_db.py of a release in a container of its own. This script and the container end with the standard input,
# which ends with the operator's session. Then no container is left, and no session in the database that would go on once
# its lock is free. Prints `prepared` when create_db.py was run, `changed` when the schema changed, and `backup NAME` when
# the database before the change was kept. The file schema.changed holds the last two until a rollout has recorded them.
#   project    of Compose
#   release
#   lock       seconds for which a statement may wait for a lock
#   tries      how often create_db.py is run if it gets no lock
#   deadline   seconds for all tries
#   contended  exit code when it got no lock; prints the sessions that hold it, a line each
# Functions: compose, sql; save_before and keep_saved, for the backup.
: "${project:?}" "${release:?}" "${lock:?}" "${tries:?}" "${deadline:?}" "${contended:?}"

name=$project-schema
mark="schema of release $release"
saved=() # files of the backup that is under way
exec 3<&0 # bash gives background processes no input

# A thread ends Python with its input, even if this shell was killed. It runs while create_db.py waits for PostgreSQL.
tied='import os, runpy, sys, threading
def until_the_end():
    while os.read(0, 100):
        pass
    os._exit(1)
threading.Thread(target=until_the_end, daemon=True).start()
sys.argv[:] = ["create_db.py"]
runpy.run_path("create_db.py", run_name="__main__")'

tidy() { rm -rf "$log" "${saved[@]}"; }
shape() { sql <sql/schema.sql; }
prepared() {
  sql <<<"SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = 'prusa' AND EXISTS (SELECT FROM pg_tables WHERE tableowner = 'app')"
}

begin() { # starts Python, whatever entrypoint the image has
  compose run --rm --no-deps -T --name "$name" --entrypoint python \
    --env PGOPTIONS="-c lock_timeout=${lock}s -c client_connection_check_interval=1s" app -c "$tied" <&3 >"$log" 2>&1 &
}

addresses() { # prints the container's addresses, separated by blanks
  docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}' "$name" 2>/dev/null || true
}

end() { # removes the container and ends its sessions in the database
  local its pids
  its="client_addr = ANY(string_to_array(trim('$(addresses)'), ' ')::inet[])"
  pids=$(sql <<<"SELECT coalesce(string_agg(pid::text, ','), '0') FROM pg_stat_activity WHERE $its")
  docker rm -f "$name" >/dev/null 2>&1 || true
  sql <<<"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid IN ($pids) AND $its" >/dev/null
  tidy
}

lasting() { # waits for the end of create_db.py; sets `blockers`
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

look() { # ADDRESSES: sets `blockers` to the sessions that they wait for, if they wait
  local line seen=
  { printf "\\\\set waiters '%s'\n" "$1"; cat sql/blockers.sql; printf '\\echo end\n'; } >&"${asked[1]}"
  while read -r -u "${asked[0]}" line && [ "$line" != end ]; do seen+=${seen:+$'\n'}$line; done
  if [ -n "$seen" ]; then blockers=$seen; fi
}

changed() { # prints what schema.changed holds for this release
  local noted=
  [ ! -e schema.changed ] || noted=$(<schema.changed)
  [ "${noted%%$'\n'*}" != "$release" ] || echo "${noted#*$'\n'}"
}

if [ "$(prepared)" = "$mark" ]; then
  changed
  exit 0
fi
log=$(mktemp)
trap tidy EXIT
before=$(shape)
save_before
trap end EXIT
coproc asked { sql; } # one session for all queries: to start one for each could take longer than the wait for a lock
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
  read -r -t "$lock" -u 3 || [ $? -gt 128 ] || exit 1 # lets the sessions that queued behind it go first
done
trap tidy EXIT
cat "$log" >&2
if [ "$before" != "$(shape)" ]; then
  { echo "$release"; echo changed; keep_saved; } >schema.changed.next
  mv schema.changed.next schema.changed
  changed
fi
sql <sql/rights.sql
sql <<<"COMMENT ON DATABASE prusa IS '$mark'"
echo prepared
