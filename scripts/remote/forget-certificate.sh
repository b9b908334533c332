# shellcheck shell=bash
# Removes what share-certificate.sh has given to Swarm.
#   project
: "${project:?}"

docker service rm "${project}_certificate" >/dev/null 2>&1 || exit 0
for secret in $(docker secret ls -q --filter "name=${project}_certificate-"); do
  # The engine has to end the job first.
  for _ in {1..50}; do ! docker secret rm "$secret" >/dev/null 2>&1 || break; sleep 0.2; done
done
