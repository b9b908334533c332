# shellcheck shell=bash
# Counts the requests of all users in the logs, on the server, so that a long log need not travel. Prints for each column
# of the picture and each release: number, column and, between tabs, the release and whether no replica answered. Then the
# number of responses that a replica broke off: `NUMBER cut`.
#   lb        nginx's container
#   balancer  HAProxy's container. Only HAProxy knows which responses broke off: nginx has sent the status by then.
#   since     milliseconds since 1970
#   bin       milliseconds of one column
#   lines     of the log that are read first: to read the whole log takes the engine seconds
: "${lb:?}" "${balancer:?}" "${since:?}" "${bin:?}" "${lines:?}"

count() { # prints the second at which these lines begin and their number; then a line for each column and release
  docker logs --tail "$lines" "$lb" 2>/dev/null | jq -nrR --argjson since "$since" --argjson bin "$bin" '
    # A 503 without an upstream is the maintenance page.
    def unanswered($one): $one.release == "" and $one.status >= 500 and ($one.status != 503 or $one.upstream_status != "");
    reduce (inputs | fromjson? // {}) as $one ({lines: 0, bins: {}};
      .lines += 1
      | .first //= $one.msec
      | if ($one.msec // 0) * 1000 < $since then . else
          .bins[[($one.msec * 1000 / $bin | floor), $one.release // "", unanswered($one)] | @tsv] += 1
        end)
    | "\(.first // 0 | floor) \(.lines)", (.bins | to_entries[] | "\(.value) \(.key)")'
}

while
  counted=$(count)
  read -r first number <<<"$counted"
  ((first >= since / 1000 && number >= lines))
do
  lines=$((lines * 4))
done
[[ $counted != *$'\n'* ]] || echo "${counted#*$'\n'}"

docker logs --since $((since / 1000)) "$balancer" 2>/dev/null | jq -nrR '
  [inputs | fromjson? | select(.status >= 100 and .status < 500 and (.reason | startswith("the replica")))]
  | "\(length) cut"'
