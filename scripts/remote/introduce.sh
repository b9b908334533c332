# shellcheck shell=bash
# Tells HAProxy the names of the replicas, for nginx's log. All names change at once: with a moment without names, a request
# that ends then would be logged as if no replica had answered it.
#   folder   of the balancer
#   map      name of the list in HAProxy
#   names    ADDRESS NAME RELEASE, a line for each replica
# Function: ask, which prints HAProxy's answer to a command.
: "${folder:?}" "${map:?}" "${names?}"

cd "$folder" || exit
[ "$(<replicas.map)" != "$names" ] || exit 0 # HAProxy has these names already
version=$(ask "prepare map $map")
[[ $version =~ ([0-9]+) ]] || { echo "The balancer refuses: $version" >&2; exit 1; }
version=@${BASH_REMATCH[1]}
orders=
while read -r address name release; do
  [ -z "$address" ] || orders+="add map $version $map $address $name\\ $release;"
done <<<"$names"
answer=$(ask "${orders}commit map $version $map")
[[ $answer != *[[:alnum:]]* ]] || { echo "The balancer refuses: $answer" >&2; exit 1; }
echo "$names" >replicas.map.next # HAProxy reads it when it starts
mv replicas.map.next replicas.map
