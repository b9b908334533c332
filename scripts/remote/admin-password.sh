# shellcheck shell=bash
# Lets the secret open /admin for the user `developer`; prints `changed` when another one did, or none.
#   folder      of the deployment
#   nginx_user  number of the user who reads the file
: "${folder:?}" "${nginx_user:?}"

cd "$folder/nginx" || exit
secret=$folder/secrets/admin_password
if [ "$(stat -c %a:%u htpasswd 2>/dev/null)" != "400:$nginx_user" ] || ! htpasswd -vi htpasswd developer <"$secret" >/dev/null 2>&1; then
  umask 077
  # bcrypt at its default cost: a stronger one would let a flood of guesses stall nginx, and 32 random bytes need none.
  htpasswd -niB developer <"$secret" >htpasswd.next
  chown "$nginx_user" htpasswd.next
  chmod 400 htpasswd.next
  mv htpasswd.next htpasswd
  echo changed
fi
