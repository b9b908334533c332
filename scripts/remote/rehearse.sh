# shellcheck shell=bash
# Asks each replica for a page, with the headers of the load balancer. Prints a line for each: its address and the status
# of each answer, with blanks between. 000: no answer.
#   addresses  of the replicas, with blanks between
#   page       path and query
#   name       of the site, for clients
#   timeout    seconds for one answer
#   times      how often each replica is asked
: "${addresses:?}" "${page:?}" "${name:?}" "${timeout:?}" "${times:?}"

ask() { # ADDRESS
  local urls=() number
  for ((number = 0; number < times; number++)); do urls+=(-o /dev/null "http://$1:5000$page"); done
  curl -sg --path-as-is --noproxy '*' --max-time "$timeout" -w '%{http_code} ' -H "Host: $name" -H "X-Forwarded-Host: $name" \
    -H 'X-Forwarded-Proto: https' -H 'X-Forwarded-For: 127.0.0.1' "${urls[@]}" || true
}

for address in $addresses; do
  {
    answers=$(ask "$address")
    echo "$address ${answers% }"
  } &
done
wait
