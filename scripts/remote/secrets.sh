# shellcheck shell=bash
# Makes missing secrets, and prints their names. Writes DATABASE_URI to secrets/app.env.
#   folder  of the deployment
#   names   array: names of the secrets
# Function: make.
: "${folder:?}"
declare -a names

umask 077
install -d -m 700 "$folder" "$folder/secrets"
cd "$folder/secrets" || exit
find . -type f ! -perm 600 -exec chmod 600 {} + # for secrets written by hand
for name in "${names[@]}"; do
  [ ! -s "$name" ] || continue
  make "$name"
  echo "$name"
done

# DATABASE_URI is derived from the password, so that one changed by hand takes effect everywhere; jq's @uri escapes it.
# While the owner's password changes, DATABASE_URI names the role app_bridge (raise-bridge.sh).
role=app password=db_owner_password
if [ -s db_owner_password.next ]; then role=app_bridge password=db_owner_password.next; fi
printf 'DATABASE_URI=postgresql+psycopg2://%s:%s@db:5432/prusa\n' $role "$(head -n1 $password | tr -d '\n' | jq -sRr @uri)" >app.env.next
if cmp -s app.env.next app.env; then rm app.env.next; else mv app.env.next app.env; fi
