# shellcheck shell=bash
# Prints `logged<TAB>NAME` for each replica whose log holds the owner's password, as it is or as it is written in a URI: an
# application may print its DATABASE_URI. The password goes from its file to grep, and nowhere else.
#   folder   of the deployment
#   project  the Compose project
: "${folder:?}" "${project:?}"

passwords() {
  { head -n1 db_owner_password; sed -n 's#^DATABASE_URI=[^:]*://[^:]*:\([^@]*\)@.*#\1#p' app.env; } 2>/dev/null | grep .
}

see_log() { # NAME
  cd "$folder/secrets" || exit
  ! grep -qFf <(passwords) <(docker logs "$1" 2>&1) || printf 'logged\t%s\n' "$1"
}

for replica in $(
  docker ps -a --filter "label=com.docker.compose.project=$project" --filter label=com.docker.compose.service=app \
    --filter label=com.docker.compose.oneoff=False --format '{{.Names}}'
  docker ps -a --filter "label=com.docker.swarm.service.name=${project}_app" --format '{{.Names}}'
); do
  see_log "$replica" &
done
wait
