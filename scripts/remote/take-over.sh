# shellcheck shell=bash
# `take_over CERTIFICATE KEY`: nginx finds this pair from its next reload or start on. One rename for both, so that no start
# in between could meet a certificate with another one's key; and back again when a running nginx does not take them.
#   folder      of the deployment
#   lb          nginx's container
#   nginx_user  number of its user, who reads the key
: "${folder:?}" "${lb:?}" "${nginx_user:?}"

take_over() {
  local fresh earlier old
  # shellcheck disable=SC2174 # the folders above it are not ours
  mkdir -p -m 755 "$folder/nginx"
  cd "$folder/nginx" || exit
  fresh=$(mktemp -d tls-XXXXXXXX)
  cp "$1" "$fresh/certificate.pem"
  (umask 077; cp "$2" "$fresh/key.pem")
  (cd "$fresh" && as_nginx_reads)
  if [ -d tls ] && [ ! -L tls ]; then mv -T tls tls-earlier; fi # a folder in older deployments
  earlier=$(readlink tls || echo tls-earlier)
  point "$fresh"
  if running && ! docker exec "$lb" nginx -t -q -c /etc/prusa/live/nginx.conf >&2; then
    point "$earlier"
    rm -rf "$fresh"
    echo 'nginx does not take this certificate; the one before stays' >&2
    exit 1
  fi
  for old in tls-*; do [ "$old" = "$fresh" ] || rm -rf "$old"; done
}

as_nginx_reads() { # in the folder of a pair
  chmod 755 .
  if [ -e certificate.pem ]; then chmod 644 certificate.pem; fi
  if [ -e key.pem ]; then
    chown "$nginx_user" key.pem
    chmod 400 key.pem
  fi
}

point() { ln -sfn "$1" tls.next; mv -T tls.next tls; }
running() { [ "$(docker inspect -f '{{.State.Running}}' "$lb" 2>/dev/null)" = true ]; }
