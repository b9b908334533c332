# shellcheck shell=bash
# Comes before every script: what a login, a shell's startup file or the operator's own shell have set decides nothing.
# Docker and Compose listen to dozens of variables (DOCKER_HOST, COMPOSE_FILE, and each one that compose/stack.yaml
# names), so all go but the ones that say who this is and by which proxy the server reaches the network.
for name in $(compgen -e); do
  case "${name,,}" in
    home | user | logname | shlvl | ssh_client | docker_config) ;;
    http_proxy | https_proxy | ftp_proxy | all_proxy | no_proxy) ;;
    *) unset -v "$name" ;;
  esac
done
unset -v name
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin
export HOME="${HOME:-/root}" LC_ALL=C.UTF-8 TZ=UTC DOCKER_CONTEXT=default
umask 022
