# shellcheck shell=bash
# Installs the packages that are missing, and prints their names. It needs the function `install`.
declare -a packages

there=" $(dpkg-query -W -f '${db:Status-Status}:${Package} ' "${packages[@]}" 2>/dev/null || true)"
missing=()
for package in "${packages[@]}"; do
  [[ $there == *" installed:$package "* ]] || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] || install "${missing[@]}"
printf '%s\n' "${missing[@]}"
