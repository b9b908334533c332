# shellcheck shell=bash
# Removes the files of a deployment. Prints the files that could not be removed.
#   folder  of the deployment
#   known   names in it that the scripts have made, separated by blanks
#   kept    names that stay; the folder is removed if nothing stays
: "${folder:?}" "${known:?}" "${kept?}"

for name in $known; do
  [[ " $kept " == *" $name "* ]] || rm -rf -- "${folder:?}/$name"
done
# In nginx's folder, the certificate and its key are data.
if [[ " $kept " == *' nginx '* ]] && [ -d "$folder/nginx" ]; then
  find "$folder/nginx" -mindepth 1 -maxdepth 1 ! -name 'tls*' -exec rm -rf {} +
fi
if rmdir "$folder" 2>/dev/null || [ -n "$kept" ]; then exit 0; fi
find "$folder" -mindepth 1 -maxdepth 1 -printf 'the file %p\n'
