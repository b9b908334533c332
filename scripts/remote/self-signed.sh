# shellcheck shell=bash
# Makes a self-signed certificate, unless the one that is there will do, and says why. `take_over` is given.
# Every address of the server is named but those of Docker's own bridges. The addresses of the moment are not asked of an old
# certificate: a lease that changes is no reason to make every client trust another one.
#   folder        of the deployment
#   made          folder for the pair
#   names         that it is made for
#   asked         names without which the one that is there will not do
#   common        its common name
#   acme          whether a CA's certificate will do
#   renew_before  days
#   valid         days
: "${folder:?}" "${made:?}" "${common:?}" "${acme:?}" "${renew_before:?}" "${valid:?}"
declare -a names asked

self_signed() { [ "$(there -issuer_hash)" = "$(there -subject_hash)" ]; }
there() { openssl x509 -in tls/certificate.pem -noout "$@"; }

covers() { # NAME
  local kind=-checkhost
  [[ $1 =~ ^[0-9.]+$|: ]] && kind=-checkip
  [[ $(there "$kind" "$1") == *'does match'* ]]
}

reason() { # to make one; nothing when there is none
  local days=$renew_before name
  if [ ! -s tls/certificate.pem ] || [ ! -s tls/key.pem ]; then
    echo 'new'
    return
  fi
  if ! cmp -s <(there -pubkey) <(openssl pkey -in tls/key.pem -pubout); then
    echo 'the key was another'
    return
  fi
  if ! self_signed; then
    if [ "$acme" = false ]; then
      echo 'the old one was issued by a CA'
      return
    fi
    days=0 # its own renewal takes care of it, until its very end
  fi
  if ! there -checkend $((days * 86400)) >/dev/null; then
    echo 'the old one ends soon'
    return
  fi
  for name in "${asked[@]}"; do
    if ! covers "$name"; then
      echo "the old one did not name $name"
      return
    fi
  done
}

san() { # every name and address once, as subjectAltName wants it
  printf '%s\n' "$@" | sort -u | sed -E '/^$/d; s/^([0-9.]+|.*:.*)$/IP:&/; t; s/^/DNS:/' | paste -sd,
}

# shellcheck disable=SC2174 # the folders above it are not ours
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
