# shellcheck shell=bash
# Asks replicas themselves for a page, as the front door would. Prints for each its address and the status of each answer,
# with blanks between; 000 where none came.
#   addresses  a blank between two
#   page       path and query
#   name       by which clients call the site
#   timeout    seconds for one answer
#   times      how often each is asked
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
