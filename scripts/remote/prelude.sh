# shellcheck shell=bash
# Runs before every script and gives it a known environment, whatever the login, a startup file or the operator's shell has
# set. Docker and Compose read dozens of variables (DOCKER_HOST, COMPOSE_FILE, and each that compose/stack.yaml names). So
# only the variables of the user and of the proxies are kept.
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
