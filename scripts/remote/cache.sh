# shellcheck shell=bash
# Removes the build cache of these scripts that no image holds any more: the engine keeps every layer that it has made,
# also when the image is gone. What others build is not touched. Ours is told by the word that each RUN of our Dockerfiles
# begins with; what was built upon it is its descendant.
#   base images: at once, since the image itself is what the next build uses
#   releases:    after two days without use; until then the next release finds its requirements installed there

# The engine counts for one at a time. Whoever is refused leaves the cache to the next run.
usage=$(docker system df -v --format '{{json .BuildCache}}') || usage='[]'
# shellcheck disable=SC2016 # jq's own variables
idle=$(jq -r '
  [.[] | select("\(.InUse)" == "false" and "\(.Shared)" == "false")] as $free
  | def upon($ids): [$free[] | select(.Parent as $parent | $ids | index($parent)) | .ID] - $ids
      | if . == [] then $ids else upon($ids + .) end;
    upon([$free[]
      | select((.Description | contains(": prusa base;"))
          or ((.Description | contains(": prusa release;")) and (.LastUsedSince | test("days|weeks|months|years"))))
      | .ID])
  | join("|")' <<<"$usage")
[ -z "$idle" ] || docker builder prune -f --filter "id=$idle" >/dev/null
