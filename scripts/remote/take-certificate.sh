# shellcheck shell=bash
# Takes over the certificate that another host has ordered, and reloads nginx, unless it has expired or is installed.
#   folder  of the deployment
#   lb      nginx's container
# Functions: take_over, running.
: "${folder:?}" "${lb:?}"

from=$folder/nginx/mirrored
openssl x509 -in "$from/certificate.pem" -noout -checkend 0 >/dev/null 2>&1 || exit 0
! cmp -s "$from/certificate.pem" "$folder/nginx/tls/certificate.pem" || exit 0
take_over "$from/certificate.pem" "$from/key.pem"
! running || kill -HUP "$(docker inspect -f '{{.State.Pid}}' "$lb")" # not docker kill: see reload-nginx.sh
