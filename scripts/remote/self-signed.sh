# shellcheck shell=bash
# Makes and installs a self-signed certificate unless the installed one fits. Prints why it made one.
# The certificate names every address of the server except those of Docker's bridges. The installed one need not name the
# current addresses: a new DHCP lease is no reason to make every client trust another certificate.
#   folder        of the deployment
#   made          folder for the new certificate and key
#   names         that the new certificate contains, besides the server's own
#   required      names that the installed certificate must contain
#   common        common name
#   acme          true: a CA's certificate fits, too
#   renew_before  days before its end at which the installed certificate is renewed
#   valid         days
# Function: take_over.
: "${folder:?}" "${made:?}" "${common:?}" "${acme:?}" "${renew_before:?}" "${valid:?}"
declare -a names required

installed() { openssl x509 -in tls/certificate.pem -noout "$@"; }
self_signed() { [ "$(installed -issuer_hash)" = "$(installed -subject_hash)" ]; }

covers() { # NAME
  local kind=-checkhost
  [[ $1 =~ ^[0-9.]+$|: ]] && kind=-checkip
  [[ $(installed "$kind" "$1") == *'does match'* ]]
}

lasts() {
  local days=0 # certbot renews a CA's certificate until its end
  if self_signed; then days=$renew_before; fi
  installed -checkend $((days * 86400)) >/dev/null
}

reason() { # prints why a new one is needed; nothing if the installed one fits
  local name
  if [ ! -s tls/certificate.pem ] || [ ! -s tls/key.pem ]; then
    echo 'new'
  elif ! cmp -s <(installed -pubkey) <(openssl pkey -in tls/key.pem -pubout); then
    echo 'the key did not belong to the old one'
  elif [ "$acme" = false ] && ! self_signed; then
    echo 'the old one was issued by a CA'
  elif ! lasts; then
    echo 'the old one ends soon'
  else
    for name in "${required[@]}"; do
      covers "$name" || { echo "the old one did not name $name"; return; }
    done
  fi
}

san() { # NAME…: prints each name and address once, in the syntax of subjectAltName
  printf '%s\n' "$@" | sort -u | sed -E '/^$/d; s/^([0-9.]+|.*:.*)$/IP:&/; t; s/^/DNS:/' | paste -sd,
}

# shellcheck disable=SC2174 # the mode is for the last folder only
mkdir -p -m 755 "$folder/nginx"
cd "$folder/nginx" || exit
why=$(reason)
[ -n "$why" ] || exit 0
addresses=$(ip -o addr show scope global | awk '$2 !~ /^(docker|br-|veth)/ {sub("/.*", "", $4); print $4}')
mapfile -t addresses <<<"$addresses"
full=$(hostname -f 2>/dev/null || true)
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -sha256 -days "$valid" \
  -subj "/CN=$common" -addext 'keyUsage=digitalSignature' -addext 'extendedKeyUsage=serverAuth' \
  -addext "subjectAltName=$(san localhost 127.0.0.1 ::1 "$(hostname)" "$full" "${addresses[@]}" "${names[@]}")" \
  -keyout "$made/key.pem" -out "$made/certificate.pem"
take_over "$made/certificate.pem" "$made/key.pem"
echo "made by openssl ($why)"
