# shellcheck shell=bash
# Joins a swarm. Reads the token from standard input, so it is on no command line.
#   address  of this host, for the others
#   manager  HOST:PORT of a manager
: "${address:?}" "${manager:?}"

read -r token
cat >/dev/null
answer=$(
  jq -n --arg address "$address" --arg manager "$manager" '{
    ListenAddr: "0.0.0.0:2377", AdvertiseAddr: $address, RemoteAddrs: [$manager], JoinToken: input
  }' <<<"\"$token\"" |
    curl -sS --fail-with-body --max-time 60 --noproxy '*' --unix-socket /var/run/docker.sock \
      -H 'Content-Type: application/json' -d @- http://localhost/swarm/join
) || {
  echo "$answer" >&2
  exit 1
}
