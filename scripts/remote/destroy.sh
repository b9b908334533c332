# shellcheck shell=bash
# Removes the containers, networks and images of a deployment. Prints what could not be removed.
#   project  of Compose
#   volumes  yes: removes the volumes, too; else those that hold nothing
: "${project:?}" "${volumes?}"

label="label=com.docker.compose.project=$project"
# Each within its own grace period. Replicas first: while they prepare, they may need the database and Redis.
docker ps -q --filter "$label" --filter label=com.docker.compose.service=app | xargs -r docker stop >/dev/null
docker ps -q --filter "$label" | xargs -r docker stop >/dev/null
docker ps -aq --filter "$label" | xargs -r docker rm -f >/dev/null
docker network ls -q --filter "$label" | xargs -r docker network rm >/dev/null || true
docker images "$project/*" --format '{{.Repository}}:{{.Tag}}' | xargs -r docker rmi >/dev/null || true
for volume in $(docker volume ls -q --filter "$label"); do
  held=$(docker volume inspect -f '{{.Mountpoint}}' "$volume")
  # Compose makes them on each host, also where nothing uses them.
  if [ "$volumes" = yes ] || [ -z "$(ls -A "$held")" ]; then docker volume rm "$volume" >/dev/null; fi
done
docker network ls --filter "$label" --format 'the network {{.Name}}'
docker images "$project/*" --format 'the image {{.Repository}}:{{.Tag}}'
