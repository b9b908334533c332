# shellcheck shell=bash
# Counts everybody's requests by the logs: prints, for each column of the picture and each release, how many it answered, and
# how many a replica cut in the middle. It is counted here, so that a busy log is not sent over the line.
#   lb        nginx's container
#   balancer  HAProxy's; it knows what was cut, since nginx has passed on the status by then
#   since     milliseconds since 1970
#   bin       milliseconds of one column
#   lines     of the log that are looked at first; the engine reads backwards, and the whole log would cost it seconds
: "${lb:?}" "${balancer:?}" "${since:?}" "${bin:?}" "${lines:?}"

count() { # the second at which these lines begin and how many there are; then a line for each column and release
  docker logs --tail "$lines" "$lb" 2>/dev/null | jq -nrR --argjson since "$since" --argjson bin "$bin" '
    # A 503 for which nobody was asked is maintenance.
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
tail -n +2 <<<"$counted"

docker logs --since "$(date -u -d "@$((since / 1000))" +%FT%TZ)" "$balancer" 2>/dev/null | jq -nrR '
  [inputs | fromjson? | select(.status >= 100 and .status < 500 and (.reason | startswith("the replica")))]
  | "\(length) cut"'
