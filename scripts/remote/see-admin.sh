# shellcheck shell=bash
# What the site answers at /admin without a password, with a wrong one and with the right one: `admin<TAB>WHICH<TAB>CODE`.
# The password goes from the secret into curl's standard input and nowhere else.
#   folder  of the deployment
#   url     of /admin, by the site's own name
: "${folder:?}" "${url:?}"

code() { # CURL OPTION…
  curl -sk --noproxy '*' --connect-to ::localhost: --max-time 10 -o /dev/null -w '%{http_code}' "$@" "$url" || true
}
right() { printf 'user = "developer:%s"\n' "$(sed 's/[\\"]/\\&/g' "$folder/secrets/admin_password")"; }

printf 'admin\t%s\t%s\n' none "$(code)" wrong "$(code -u developer:wrong)" right "$(right | code -K -)"
