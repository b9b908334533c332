# shellcheck shell=bash
# Closes the load balancer before the engine stops all containers at once: it refuses new connections, and answers the
# requests that it has. Clients then use another host. Without this, nginx would go on for some seconds with HAProxy gone, and
# answer 502.
#   container  the load balancer's
#   seconds    for its last requests
: "${container:?}" "${seconds:?}"

# An engine that has crashed does not answer, and has nothing left to close.
[ "$(systemctl show -P SubState docker)" = running ] || exit 0
master=$(timeout 5 docker inspect -f '{{.State.Pid}}' "$container" 2>/dev/null) || exit 0
[ -e "/proc/$master/ns/net" ] || exit 0
# The rule ends with the container. By a reload, nginx ends its connections as soon as they are idle.
nsenter -t "$master" -n iptables -w -I INPUT -p tcp --syn -j REJECT --reject-with tcp-reset
workers=$(<"/proc/$master/task/$master/children")
kill -HUP "$master"
end=$((SECONDS + seconds))
for worker in $workers; do
  while [ -e "/proc/$worker" ] && [ $SECONDS -lt $end ]; do sleep 0.1; done
done
