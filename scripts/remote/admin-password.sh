# shellcheck shell=bash
# Sets the password of the user `developer` for /admin to the secret; prints `changed` unless it was set already.
#   folder      of the deployment
#   nginx_user  id of the user that reads the password file
: "${folder:?}" "${nginx_user:?}"

cd "$folder/nginx" || exit
secret=$folder/secrets/admin_password
if [ "$(stat -c %a:%u htpasswd 2>/dev/null)" != "400:$nginx_user" ] || ! htpasswd -vi htpasswd developer <"$secret" >/dev/null 2>&1; then
  umask 077
  # bcrypt at its default cost: with a higher one, a flood of guesses would stall nginx, and 32 random bytes need none.
  htpasswd -niB developer <"$secret" >htpasswd.next
  chown "$nginx_user" htpasswd.next
  chmod 400 htpasswd.next
  mv htpasswd.next htpasswd
  echo changed
fi
