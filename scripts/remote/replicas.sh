# shellcheck shell=bash
# Two functions that find the replicas, in any state, and inspect them.
#   project    of Compose
#   inspected  the template for docker inspect. It leaves out the environment, which has the database's password.
: "${project:?}" "${inspected:?}"

found() { # prints the ids
  docker ps -aq --no-trunc --filter "label=com.docker.compose.project=$project" \
    --filter label=com.docker.compose.service=app --filter label=com.docker.compose.oneoff=False
}

# Prints the clock in milliseconds, then a line for each id on standard input. A container may have been removed since.
inspect() {
  local ids
  mapfile -t ids
  echo $((${EPOCHREALTIME/./} / 1000))
  [ ${#ids[@]} = 0 ] || docker inspect --format "$inspected" "${ids[@]}" 2>/dev/null || true
}
