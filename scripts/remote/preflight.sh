# shellcheck shell=bash
# Prints facts about a server before the deployment, each as a name, a tab and a value; about its disk those of space.sh.
# Changes nothing. Function: space.
#   project            the Compose project
#   ports              the ports that the deployment needs
#   fresh              whether the run will make or pull all base images anew
#   registry, debian   the names of the base images in each mode
: "${project:?}" "${fresh:?}"
declare -a ports registry debian
# shellcheck source=/dev/null
. /etc/os-release

fact() { printf '%s\t%s\n' "$1" "$2"; }

missing() { # IMAGE…: prints how many are missing, unless all of them are
  local there
  there=$(docker image inspect --format there "$@" 2>/dev/null | grep -c there || true)
  [ "$there" = 0 ] || fact missing $(($# - there))
}

holder() { # INODE: prints the command of the process that owns the socket
  local fd
  for fd in /proc/[0-9]*/fd/*; do
    [ "$(readlink "$fd")" = "socket:[$1]" ] || continue
    tr '\0' ' ' <"${fd%/fd/*}/cmdline" | cut -c1-60
    return
  done
}

fact distribution "$ID"
fact version "${VERSION_ID:-}"
fact pretty "$PRETTY_NAME"
fact memory "$(awk '/^MemTotal/ {print int($2 / 1024)}' /proc/meminfo)"
if [ -d /var/lib/docker ]; then space /var/lib/docker; else space /var/lib; fi
[ "$fresh" = true ] || { missing "${registry[@]}"; missing "${debian[@]}"; } | sort | head -n 1

# A bare server may lack ss, so the kernel's tables tell who listens (proc(5), /proc/net/tcp).
published=$(docker ps --format '{{.Label "com.docker.compose.project"}} {{.Names}}\t{{.Ports}}' 2>/dev/null || true)
for port in "${ports[@]}"; do
  inode=$(cat /proc/net/tcp /proc/net/tcp6 2>/dev/null |
    awk -v port="$(printf ':%04X' "$port")" '$4 == "0A" && $2 ~ port "$" && !found++ {print $10}')
  [ -n "$inode" ] || continue
  container=$(awk -F'\t' -v port=":$port->" 'index($2, port) {print $1; exit}' <<<"$published")
  case "$container" in
    "$project "*) printf 'port\t%s\t%s\tours\n' "$port" "$container" ;;
    ?*) printf 'port\t%s\tthe container %s\t\n' "$port" "${container#* }" ;;
    *) printf 'port\t%s\t%s\t\n' "$port" "$(holder "$inode")" ;;
  esac
done
