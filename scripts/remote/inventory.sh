# shellcheck shell=bash
# Lists what a deployment consists of. Prints, separated by tabs: container, network, image or volume, and its name (for a
# volume its size, too); `file` and the name of each file in the folder; `timer` if the deployment has a timer; `saved`
# and the name of each backup that is younger than a day.
#   folder   of the deployment
#   project  of Compose
: "${folder:?}" "${project:?}"

label="label=com.docker.compose.project=$project"
if command -v docker >/dev/null; then
  docker ps -a --filter "$label" --format '{{.Names}}' | sed 's/^/container\t/'
  docker network ls --filter "$label" --format '{{.Name}}' | sed 's/^/network\t/'
  docker images "$project/*" --format '{{.Repository}}:{{.Tag}}' | sed 's/^/image\t/'
  for volume in $(docker volume ls -q --filter "$label"); do
    printf 'volume\t%s\t%s\n' "$volume" "$(du -sh "$(docker volume inspect -f '{{.Mountpoint}}' "$volume")" | cut -f1)"
  done
fi
[ ! -d "$folder" ] || find "$folder" -mindepth 1 -maxdepth 1 -printf 'file\t%f\n'
for program in letsencrypt/renew backup/run; do [ ! -e "$folder/$program" ] || printf 'timer\n'; done
[ ! -d "$folder/backup/files" ] || find "$folder/backup/files" -name '*.age' -mmin -1440 -printf 'saved\t%f\n'
