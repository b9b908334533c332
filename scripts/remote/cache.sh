# shellcheck shell=bash
# Removes build cache of these scripts that no image uses: the engine keeps every layer even if the image is gone. The cache
# of other builds stays. A layer is ours if its RUN begins with `: prusa base;` or `: prusa release;`, or if it was built
# upon such a layer.
#   base images: removed at once, since the next build uses the image itself
#   releases:    removed after two days without use; until then the next release finds its requirements there

# The engine refuses a second request at the same time; then the cache is left to the next run.
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
