# shellcheck shell=bash
# Tells HAProxy what the replicas are called, for nginx's log. All names change at once: a request that ended between the
# removal of the old list and the first new name would be logged as if no replica had answered it.
#   folder   of the balancer
#   map      the list's name in HAProxy
#   names    ADDRESS NAME RELEASE, a replica a line
#   ask      function: prints what HAProxy answers to a command
: "${folder:?}" "${map:?}" "${names?}"

cd "$folder" || exit
[ "$(<replicas.map)" != "$names" ] || exit 0 # HAProxy was told already
version=$(ask "prepare map $map")
[[ $version =~ ([0-9]+) ]] || { echo "The balancer refuses: $version" >&2; exit 1; }
version=@${BASH_REMATCH[1]}
orders=
while read -r address name release; do
  [ -z "$address" ] || orders+="add map $version $map $address $name\\ $release;"
done <<<"$names"
answer=$(ask "${orders}commit map $version $map")
[[ $answer != *[[:alnum:]]* ]] || { echo "The balancer refuses: $answer" >&2; exit 1; }
echo "$names" >replicas.map.next # for a balancer that starts
mv replicas.map.next replicas.map
