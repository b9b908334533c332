# shellcheck shell=bash
# Gets the site's certificate by ACME, or renews it if it is due; installs it and reloads nginx.
#   folder     of the deployment
#   state      folder of certbot's files for this domain and this ACME server
#   image      certbot's
#   bundle     file with the CAs that may issue the ACME server's own certificate
#   domain
#   directory  address of the ACME server
#   account    array: certbot's options for the account
#   deadline   seconds for one order
#   lb         nginx's container
# Functions: take (the lock), take_over; share, with several hosts. UNDER_LOCK in the environment: the caller holds the lock.
: "${folder:?}" "${state:?}" "${image:?}" "${bundle:?}" "${domain:?}" "${directory:?}" "${deadline:?}" "${lb:?}"
declare -a account

if [ -z "${UNDER_LOCK:-}" ]; then
  linger() { sleep 1; }
  take >&2 || {
    echo 'Another run changes the server: nothing was done; the timer tries again.' >&2
    exit 1
  }
  trap 'rm -f "$folder/lock.token"' EXIT
fi

failed=$folder/letsencrypt/failed
touch "$failed" # removed after a success; npm run status reports it
# shellcheck disable=SC2174 # the mode is for the last folder only
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
installed() { cmp -s "$certificate" "$tls/certificate.pem" && cmp -s "$key" "$tls/key.pem"; }
if installed && [ -e "$tls/loaded" ]; then
  rm "$failed"
  echo 'not due: nothing to do'
  exit 0
fi
installed || take_over "$certificate" "$key"
! running || kill -HUP "$(docker inspect -f '{{.State.Pid}}' "$lb")" # not docker kill: see reload-nginx.sh
touch "$tls/loaded"
! declare -F share >/dev/null || share
rm "$failed"
echo 'another certificate is installed'
