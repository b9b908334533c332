# shellcheck shell=bash
# Two functions for looking at the replicas, whatever their state.
#   project    of Compose
#   inspected  what is read of a container, as a template of docker inspect. The environment, which holds the database's
#              password, stays on the server.
: "${project:?}" "${inspected:?}"

found() { # prints the ids
  docker ps -aq --no-trunc --filter "label=com.docker.compose.project=$project" \
    --filter label=com.docker.compose.service=app --filter label=com.docker.compose.oneoff=False
}

# Prints the clock in milliseconds, then those on standard input. One may be removed between being found and being inspected.
inspect() {
  local ids
  mapfile -t ids
  echo $((${EPOCHREALTIME/./} / 1000))
  [ ${#ids[@]} = 0 ] || docker inspect --format "$inspected" "${ids[@]}" 2>/dev/null || true
}
