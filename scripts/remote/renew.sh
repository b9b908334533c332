# shellcheck shell=bash
# Gets the site's certificate by ACME, or renews it when it is due, and lets nginx take it over without an outage.
# `take` (the lock) and `take_over` are given.
#   folder     of the deployment
#   state      of certbot, for this domain and this ACME server
#   image      certbot's
#   bundle     the CAs by which the ACME server is verified
#   domain, directory, account   as certbot has them
#   deadline   seconds for one order
#   lb         nginx's container
# UNDER_LOCK in the environment: whoever calls has the lock.
: "${folder:?}" "${state:?}" "${image:?}" "${bundle:?}" "${domain:?}" "${directory:?}" "${deadline:?}" "${lb:?}"
declare -a account

if [ -z "${UNDER_LOCK:-}" ]; then
  linger() { sleep 1; }
  take >&2 || {
    echo 'The server is being changed by somebody else: nothing was done; the timer tries again.' >&2
    exit 1
  }
  trap 'rm -f "$folder/lock.token"' EXIT
fi

failed=$folder/letsencrypt/failed
touch "$failed" # until it has succeeded: npm run status tells of it
# shellcheck disable=SC2174 # the folders above it are there
mkdir -p -m 700 "$state"
timeout "$deadline" docker run --rm --network bridge --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges \
  --memory 256m --pids-limit 50 --volume "$state:/certbot" --volume "$folder/nginx/acme:/webroot" \
  --volume "$bundle:/ca.pem:ro" --env REQUESTS_CA_BUNDLE=/ca.pem "$image" certonly --non-interactive --agree-tos \
  "${account[@]}" --server "$directory" --domain "$domain" --cert-name site --key-type ecdsa \
  --webroot --webroot-path /webroot --keep-until-expiring --max-log-backups 10 \
  --config-dir /certbot/etc --work-dir /certbot/work --logs-dir /certbot/log "$@" >&2

certificate=$state/etc/live/site/fullchain.pem
key=$state/etc/live/site/privkey.pem
tls=$folder/nginx/tls
there() { cmp -s "$certificate" "$tls/certificate.pem" && cmp -s "$key" "$tls/key.pem"; }
if there && [ -e "$tls/loaded" ]; then
  rm "$failed"
  echo 'not due: nothing to do'
  exit 0
fi
there || take_over "$certificate" "$key"
# Not docker kill: the engine would take it for a stop by hand and never restart the container by itself.
! running || kill -HUP "$(docker inspect -f '{{.State.Pid}}' "$lb")"
touch "$tls/loaded"
rm "$failed"
echo 'another certificate is in place'
