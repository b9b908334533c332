# shellcheck shell=bash
# Prints, with tabs between:
#   image SERVICE ID CREATED      each base image of the deployment
#   container NAME ID             each running container, and the base image that it runs on
#   upgrades ID NUMBER DATE       the result of the last `npm run scan` for an image
#   project  the Compose project
#   env      the file with the names of the images
#   note     the file that `npm run scan` has written
: "${project:?}" "${env:?}" "${note:?}"

[ -e "$env" ] || exit 0 # nothing is deployed
while IFS='=' read -r name image; do
  case $name in *_IMAGE) ;; *) continue ;; esac
  service=${name%_IMAGE}
  docker image inspect --format "image{{\"\t\"}}${service,,}{{\"\t\"}}{{.Id}}{{\"\t\"}}{{.Created}}" "${image//\"/}" || true
done <"$env"
# A replica runs on the image of its release. A label there names the Python image that it was built on.
docker ps -q --filter "label=com.docker.compose.project=$project" | xargs -r docker inspect --format \
  '{{with index .Config.Labels "prusa.python"}}container{{"\t"}}{{$.Name}}{{"\t"}}{{.}}{{else}}container{{"\t"}}{{$.Name}}{{"\t"}}{{$.Image}}{{end}}' |
  sed 's|\t/|\t|'
[ ! -e "$note" ] || while read -r id number date; do printf 'upgrades\t%s\t%s\t%s\n' "$id" "$number" "$date"; done <"$note"
