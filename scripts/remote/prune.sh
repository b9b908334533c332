# shellcheck shell=bash
# Removes what this deployment has brought to the engine and nothing needs any more: base images of old requirements, of
# another mode, and those that fresh ones have replaced.
#   folder   of the deployment
#   project  of Compose
#   keep     names of images that are needed now, a blank between two
: "${folder:?}" "${project:?}" "${keep:?}"

# Ids of the images that containers run on; looked up when it is first asked for.
used=
needed() { # NAME
  local id
  [[ " $keep " != *" $1 "* ]] || return 0
  id=$(docker image inspect --format '{{.Id}}' "$1" 2>/dev/null) || return 1
  used=${used:-none $(docker ps -aq | xargs -r docker inspect --format '{{.Image}}' || true)} # one may be removed meanwhile
  [[ $used != *"$id"* ]] || return 0
  # A kept release is named after the Python image that it was built on: without that one, its source would make another.
  [ -n "$(docker images -q --filter "label=prusa.python=$id" "$project/app")" ]
}

remove() { # NAME: only a name goes where another deployment has one for the same image
  local id
  id=$(docker image inspect --format '{{.Id}}' "$1" 2>/dev/null) || return 0
  docker rmi "$1" >/dev/null 2>&1 || return
  # One that was pulled still has its digest for a name when a newer one has taken its tag.
  docker image inspect --format '{{if not .RepoTags}}{{join .RepoDigests "\n"}}{{end}}' "$id" 2>/dev/null |
    xargs -r docker rmi >/dev/null 2>&1 || true
}

for name in $(docker images --format '{{.Repository}}:{{.Tag}}' "$project/*"); do
  [[ $name == "$project/app:"* ]] || needed "$name" || remove "$name" || true
done

brought=$folder/base-images
if [ -e "$brought" ]; then
  while read -r name; do
    if needed "$name" || ! remove "$name"; then echo "$name"; fi
  done < <(sort -u "$brought") >"$brought.next"
  mv "$brought.next" "$brought"
fi

