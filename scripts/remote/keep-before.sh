# shellcheck shell=bash
# For a deployment from before the folder targets/ existed: keeps what its replicas were started with, which is in the
# folder compose/, as a target that is named after the release.
#   folder   of the deployment
#   project  of Compose
: "${folder:?}" "${project:?}"

keep() { # RELEASE
  local kept=$folder/targets.next/$1
  mkdir -p "$kept"
  cp -p "$folder"/compose/{stack.yaml,stack.env,app.env} "$kept"
  sed -i -e 's|\${FOLDER}/compose/app.env|./app.env|' \
    -e 's|labels: .*|labels: { prusa.target: "${TARGET}", prusa.secrets: "${SECRETS:-}" }|' "$kept/stack.yaml"
  printf 'RELEASE="%s"\nTARGET="%s"\n' "$1" "$1" >>"$kept/stack.env"
  docker image inspect -f '{{index .Config.Labels "org.opencontainers.image.revision"}}' "$project/app:$1" >"$kept/revision" || true
}

if [ ! -e "$folder/targets" ] && [ -e "$folder/compose/app.env" ]; then
  mkdir -p "$folder/targets.next"
  for release in $(docker ps -a --filter "label=com.docker.compose.project=$project" \
    --filter label=com.docker.compose.service=app --format '{{.Image}}' | sed 's/.*://' | sort -u); do
    keep "$release"
  done
  chmod 700 "$folder/targets.next"
  mv "$folder/targets.next" "$folder/targets"
fi
