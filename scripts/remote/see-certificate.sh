# shellcheck shell=bash
# Defines `certificate`: prints the installed certificate and the problems of its renewal, separated by tabs:
#   certificate BASE64          renewal WHAT
#
#   folder   of the deployment
#   project  the Compose project
# Function: held.
: "${folder:?}" "${project:?}"

certificate() {
  local installed=$folder/nginx/tls/certificate.pem failed=$folder/letsencrypt/failed timer=$project-certificate
  [ ! -e "$installed" ] || printf 'certificate\t%s\n' "$(base64 -w0 "$installed")"
  # While a run holds the lock, it may be renewing.
  if [ ! -e "$folder/letsencrypt/renew" ] || held; then return 0; fi
  [ ! -e "$failed" ] || printf 'renewal\tit failed at %s UTC\n' "$(date -r "$failed" '+%F %R')"
  if [ -d /run/systemd/system ]; then
    systemctl is-active -q "$timer.timer" || printf 'renewal\tthe systemd timer does not run\n'
  elif [ ! -e "/etc/cron.d/$timer" ] || ! service cron status >&2; then printf 'renewal\tcron does not run\n'; fi
}
