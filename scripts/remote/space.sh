# shellcheck shell=bash
# Defines `space PATH`: prints facts about the disk that holds the path, with tabs between. Needs no free space itself.
#
#   disk FREE SIZE MOUNT      bytes, and where the disk is mounted
#   inodes FREE ALL           how many more files it can hold, and how many in all; not of every file system
#   takes BYTES WHAT          what takes the space, the most first; only if little is left
#
#   folder  of the deployment
: "${folder:?}"

readonly TIGHT=20 # little is left when less than one part of so many is free
readonly LITTLE=2000000000

bytes() { numfmt --from=si "$(tr k K <<<"${1%B}")"; }
sum() { du -scB1 "$@" 2>/dev/null | tail -n 1 | cut -f 1; }
takes() { # MOUNT
  local what size
  timeout 10 docker system df --format '{{.Type}} {{.Size}}' | sed 's/ \([^ ]*\)$/\t\1/' |
    while IFS=$'\t' read -r what size; do printf '%s\tDocker: %s\n' "$(bytes "$size")" "${what,,}"; done
  printf '%s\tbackups\n' "$(sum "$folder/backup/files")"
  printf '%s\tlogs of the server\n' "$(sum /var/log)"
  timeout 10 find "$1" -xdev -path '*/overlay2' -prune -o -type f -size +50M -printf '%b\t%p\n' | sort -rn | head -n 3 |
    while IFS=$'\t' read -r size what; do printf '%s\t%s\n' $((size * 512)) "$what"; done
}
space() { # PATH
  local free size inodes all mount
  read -r free size inodes all mount < <(df -B1 --output=avail,size,iavail,itotal,target "$1" | tail -n 1)
  printf 'disk\t%s\t%s\t%s\n' "$free" "$size" "$mount"
  [[ $all != [1-9]* ]] || printf 'inodes\t%s\t%s\n' "$inodes" "$all"
  ((free * TIGHT < size || free < LITTLE || inodes * TIGHT < all)) || return 0
  # A bare server has no engine to ask, and one that hangs does not answer.
  { takes "$mount" 2>/dev/null || true; } | awk '$1 > 0' | sort -rn | head -n 5 | sed 's/^/takes\t/'
}
