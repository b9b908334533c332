# shellcheck shell=bash
# Removes the files of a deployment. Prints the files that could not be removed.
#   folder  of the deployment
#   known   names in it that the scripts have made, separated by blanks
#   kept    names that stay; empty: none, and the folder is removed, too
: "${folder:?}" "${known:?}" "${kept?}"

for name in $known; do
  [[ " $kept " == *" $name "* ]] || rm -rf -- "${folder:?}/$name"
done
if [ -n "$kept" ]; then
  # In nginx's folder, the certificate and its key are data.
  [ ! -d "$folder/nginx" ] || find "$folder/nginx" -mindepth 1 -maxdepth 1 ! -name 'tls*' -exec rm -rf {} +
else
  rmdir "$folder" 2>/dev/null || find "$folder" -mindepth 1 -maxdepth 1 -printf 'the file %p\n'
fi
