# shellcheck shell=bash
# Removes base images that this deployment has brought to the engine and nothing needs any more: those of old requirements,
# of the other mode, and those that newer ones have replaced.
#   folder   of the deployment
#   project  of Compose
#   keep     names of the images that are needed, separated by blanks
: "${folder:?}" "${project:?}" "${keep:?}"

# Ids of the images that containers run on; read when they are first needed.
used=
declare -A ids
while read -r name id; do ids[$name]=$id; done < <(docker images --no-trunc --format '{{.Repository}}:{{.Tag}} {{.ID}}')

id_of() { # NAME: sets id. A name may be longer than the one in the list: docker.io/library/redis:8.
  id=${ids[$1]:-}
  [ -n "$id" ] || id=$(docker image inspect --format '{{.Id}}' "$1" 2>/dev/null)
}
needed() { # NAME
  local id
  [[ " $keep " != *" $1 "* ]] || return 0
  id_of "$1" || return 1
  used=${used:-none $(docker ps -aq | xargs -r docker inspect --format '{{.Image}}' || true)} # a container may go meanwhile
  [[ $used != *"$id"* ]] || return 0
  # The name of a kept release depends on its Python image: without it, the same source would make another release.
  [ -n "$(docker images -q --filter "label=prusa.python=$id" "$project/app")" ]
}

remove() { # NAME: removes only this name if another deployment has a name for the same image
  local id
  id_of "$1" || return 0
  docker rmi "$1" >/dev/null 2>&1 || return
  # A pulled image keeps its digest as a name when a newer one has taken its tag.
  docker image inspect --format '{{if not .RepoTags}}{{join .RepoDigests "\n"}}{{end}}' "$id" 2>/dev/null |
    xargs -r docker rmi >/dev/null 2>&1 || true
}

for name in "${!ids[@]}"; do
  [[ $name != "$project/"* || $name == "$project/app:"* ]] || needed "$name" || remove "$name" || true
done

brought=$folder/base-images
if [ -e "$brought" ]; then
  while read -r name; do
    if needed "$name" || ! remove "$name"; then echo "$name"; fi
  done < <(sort -u "$brought") >"$brought.next"
  mv "$brought.next" "$brought"
fi

