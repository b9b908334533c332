# shellcheck shell=bash
# Prints the HTTP status of /admin without a password, with a wrong one and with the right one: `admin<TAB>WHICH<TAB>CODE`.
# The password goes from its file to curl's standard input, and nowhere else.
#   folder  of the deployment
#   url     of /admin, with the name of the site
: "${folder:?}" "${url:?}"

code() { # CURL OPTION…
  curl -sk --noproxy '*' --connect-to ::localhost: --max-time 10 -o /dev/null -w '%{http_code}' "$@" "$url" || true
}
right() { printf 'user = "developer:%s"\n' "$(sed 's/[\\"]/\\&/g' "$folder/secrets/admin_password")"; }

printf 'admin\t%s\t%s\n' none "$(code)" wrong "$(code -u developer:wrong)" right "$(right | code -K -)"
