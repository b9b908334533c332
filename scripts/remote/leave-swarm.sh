# shellcheck shell=bash
# Takes the last host of a swarm out of it, while its containers run on. `docker swarm leave` would make the engine forget the
# names of all containers until each is started again. So the engine is stopped, which its containers outlive
# (live-restore.sh), and starts without the state of the swarm.

service() { if [ -d /run/systemd/system ]; then systemctl "$@"; else command service docker "$1"; fi >&2; }
state=$(docker info --format '{{.DockerRootDir}}')/swarm
service stop docker.socket docker.service
rm -rf "${state:?}"
service start docker.service
