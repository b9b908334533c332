# shellcheck shell=bash
# Defines `take_over CERTIFICATE KEY`: installs both for nginx's next start or reload. One rename installs both, so that
# nginx never reads a certificate with the wrong key. If a running nginx refuses them, the previous ones are put back.
#   folder      of the deployment
#   lb          nginx's container
#   nginx_user  id of the user that reads the key
: "${folder:?}" "${lb:?}" "${nginx_user:?}"

take_over() {
  local fresh earlier old
  # shellcheck disable=SC2174 # the mode is for the last folder only
  mkdir -p -m 755 "$folder/nginx"
  cd "$folder/nginx" || exit
  fresh=$(mktemp -d tls-XXXXXXXX)
  cp "$1" "$fresh/certificate.pem"
  (umask 077; cp "$2" "$fresh/key.pem")
  (cd "$fresh" && readable_for_nginx)
  if [ -d tls ] && [ ! -L tls ]; then mv -T tls tls-earlier; fi # in older deployments it is a folder
  earlier=$(readlink tls || echo tls-earlier)
  point "$fresh"
  if running && ! docker exec "$lb" nginx -t -q -c /etc/prusa/live/nginx.conf >&2; then
    point "$earlier"
    rm -rf "$fresh"
    echo 'nginx refuses this certificate; the previous one stays installed' >&2
    exit 1
  fi
  for old in tls-*; do [ "$old" = "$fresh" ] || rm -rf "$old"; done
}

readable_for_nginx() { # sets modes and owner in the current folder
  chmod 755 .
  if [ -e certificate.pem ]; then chmod 644 certificate.pem; fi
  if [ -e key.pem ]; then
    chown "$nginx_user" key.pem
    chmod 400 key.pem
  fi
}

point() { ln -sfn "$1" tls.next; mv -T tls.next tls; }
running() { [ "$(docker inspect -f '{{.State.Running}}' "$lb" 2>/dev/null)" = true ]; }
