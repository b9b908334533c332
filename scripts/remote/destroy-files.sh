# shellcheck shell=bash
# Takes away what lies in a deployment's folder. Prints what is left although it should not be.
#   folder  of the deployment
#   known   names in it that are ours, a blank between two
#   kept    those that stay; empty: none, and the folder goes, too
: "${folder:?}" "${known:?}" "${kept?}"

for name in $known; do
  [[ " $kept " == *" $name "* ]] || rm -rf -- "${folder:?}/$name"
done
if [ -n "$kept" ]; then
  # Of nginx's folder the certificate and its key are data.
  [ ! -d "$folder/nginx" ] || find "$folder/nginx" -mindepth 1 -maxdepth 1 ! -name 'tls*' -exec rm -rf {} +
else
  rmdir "$folder" 2>/dev/null || find "$folder" -mindepth 1 -maxdepth 1 -printf 'the file %p\n'
fi
