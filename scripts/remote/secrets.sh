# shellcheck shell=bash
# Makes the secrets that are missing, and prints their names. `make` is given.
#   folder  of the deployment
#   names   of the secrets
: "${folder:?}"
declare -a names

umask 077
install -d -m 700 "$folder" "$folder/secrets"
cd "$folder/secrets" || exit
find . -type f ! -perm 600 -exec chmod 600 {} + # one that was written by hand
for name in "${names[@]}"; do
  [ ! -s "$name" ] || continue
  make "$name"
  echo "$name"
done

# The application's DATABASE_URI is derived, so that a password changed by hand takes effect everywhere; jq's @uri leaves
# nothing that a URI could misread. While the owner's password is changed, it names the role that stands in for it
# (raise-bridge.sh).
role=app password=db_owner_password
if [ -s db_owner_password.next ]; then role=app_bridge password=db_owner_password.next; fi
printf 'DATABASE_URI=postgresql+psycopg2://%s:%s@db:5432/prusa\n' $role "$(head -n1 $password | tr -d '\n' | jq -sRr @uri)" >app.env.next
if cmp -s app.env.next app.env; then rm app.env.next; else mv app.env.next app.env; fi
