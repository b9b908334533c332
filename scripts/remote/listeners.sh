# shellcheck shell=bash
# Prints a line for each socket that listens in a container's network, with tabs between: ADDRESS:PORT as the kernel
# writes them, the HTTP status of its answer to /status (000: no answer), and the beginning of the body.
#   container  its id
: "${container:?}"

pid=$(docker inspect --format '{{.State.Pid}}' "$container" 2>/dev/null) || exit 0
# The tables of the container's network. State 0A is LISTEN; 127.0.0.11 is Docker's DNS.
sockets=$(awk '$4 == "0A" && $2 !~ /^0B00007F:/ { print $2 }' "/proc/$pid/net/tcp" "/proc/$pid/net/tcp6" 2>/dev/null | sort -u) || exit 0

ipv4() { echo "$((16#${1:6:2})).$((16#${1:4:2})).$((16#${1:2:2})).$((16#${1:0:2}))"; }

for socket in $sockets; do
  case ${socket%:*} in
    00000000) name=127.0.0.1 ;;
    00000000000000000000000000000000 | 00000000000000000000000001000000) name='[::1]' ;;
    0000000000000000FFFF0000*) name=$(ipv4 "${socket:24:8}") ;;
    ????????) name=$(ipv4 "${socket%:*}") ;;
    *) name='' ;; # another IPv6 address: the application's network has none
  esac
  # The question comes from within the container's network, since its 127.0.0.1 cannot be reached from outside.
  answer=$(nsenter --net --target "$pid" curl -s --noproxy '*' --max-time 2 -w '\t%{http_code}' "http://$name:$((16#${socket#*:}))/status" 2>/dev/null) || true
  body=${answer%$'\t'*}
  body=${body//[$'\t\r\n']/ }
  printf '%s\t%s\t%s\n' "$socket" "${answer##*$'\t'}" "${body:0:60}"
done
