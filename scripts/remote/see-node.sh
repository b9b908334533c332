# shellcheck shell=bash
# Prints what a host is in a swarm, as names and values with a tab between them. Changes nothing.
#   others   array: names or addresses of the other hosts
#   ports    array: the TCP ports that hosts need among themselves
#   volume   of the database
#   program  a file that is on a host that is one of several
declare -a others ports
: "${volume:?}" "${program:?}"

fact() { printf '%s\t%s\n' "$1" "$2"; }

told=$(docker info --format '{{.Swarm.LocalNodeState}} {{.Swarm.ControlAvailable}} {{.Swarm.NodeID}}' 2>/dev/null) || told=inactive
read -r state manager node <<<"$told"
fact state "$state"
fact node "$node"
fact manager "$manager"
fact ours "$(if [ -e "$program" ]; then echo yes; else echo no; fi)"
held=$(docker volume inspect -f '{{.Mountpoint}}' "$volume" 2>/dev/null) || held=
fact data "$(if [ -n "$held" ] && [ -n "$(ls -A "$held")" ]; then echo yes; else echo no; fi)"
# Whether the kernel has what Docker encrypts with, tried in a network namespace that ends with the trial.
encrypts() {
  unshare -n ip xfrm state add src 192.0.2.1 dst 192.0.2.2 proto esp spi 1 mode transport \
    aead 'rfc4106(gcm(aes))' 0x000102030405060708090a0b0c0d0e0f10111213 64 >/dev/null 2>&1
}
fact encrypts "$(if encrypts; then echo yes; else echo no; fi)"

# The address from which it reaches the others is the one at which they reach it.
for other in "${others[@]}"; do
  at=$(getent ahostsv4 "$other" | awk 'NR == 1 {print $1}') || true
  if [ -z "$at" ] || [[ $at == 127.* ]]; then continue; fi
  fact address "$(ip -o -4 route get "$at" | grep -oP 'src \K[0-9.]+')"
  for port in "${ports[@]}"; do
    # A port where nobody listens refuses at once; one behind a firewall mostly answers nothing.
    code=0
    timeout 3 bash -c "</dev/tcp/$at/$port" 2>/dev/null || code=$?
    [ "$code" != 124 ] || printf 'filtered\t%s\t%s\n' "$other" "$port"
  done
done
