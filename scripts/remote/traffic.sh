# shellcheck shell=bash
# Counts the requests of all users in the logs, on the server, so that a long log need not travel. Prints the columns of
# traffic.pl, then the number of responses that a replica broke off: `NUMBER cut`.
#   lb        nginx's container
#   balancer  HAProxy's container. Only HAProxy knows which responses broke off: nginx has sent the status by then.
#   since     milliseconds since 1970
#   bin       milliseconds of one column
#   lines     of the log that are read first: to read the whole log takes the engine seconds
#   program   the text of traffic.pl
: "${lb:?}" "${balancer:?}" "${since:?}" "${bin:?}" "${lines:?}" "${program:?}"

count() { docker logs --tail "$lines" "$lb" 2>/dev/null | perl -e "$program" columns "$since" "$bin"; }

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
