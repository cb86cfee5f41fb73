#!/bin/sh
# Makes a certificate for a trial: fullchain.pem and privkey.pem for the proxy,
# ca.pem for the clients to trust. The CA's key is not kept, so that what the
# clients are told to trust can never sign for another name.
# Usage: make-self-signed.sh HOST      (a port after the host is cut off)
set -eu
umask 077

[ $# = 1 ] || { echo "usage: $0 HOST" >&2; exit 2; }
command -v openssl >/dev/null || { echo "$0: openssl is missing: apt install openssl" >&2; exit 1; }
host=${1%:*}
case $host in
  '' | *[!A-Za-z0-9.-]*) echo "$0: '$host' is not a host name" >&2; exit 2 ;;
  *[!0-9.]*) names="DNS:$host" ;;
  *) names="IP:$host" ;;
esac
cd "$(dirname "$0")"
[ ! -e privkey.pem ] || { echo "$0: $(pwd)/privkey.pem exists; remove it first" >&2; exit 1; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Browsers and Apple's clients refuse a leaf that is valid for more than 825 days.
printf 'basicConstraints=critical,CA:FALSE\nsubjectAltName=%s\nextendedKeyUsage=serverAuth\n' "$names" >"$work/leaf.ext"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 825 \
  -subj "/CN=Trial CA for $host" -addext 'keyUsage=critical,keyCertSign' \
  -keyout "$work/ca.key" -out "$work/ca.pem" 2>/dev/null
openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$host" \
  -keyout "$work/privkey.pem" -out "$work/leaf.csr" 2>/dev/null
openssl x509 -req -in "$work/leaf.csr" -CA "$work/ca.pem" -CAkey "$work/ca.key" \
  -CAcreateserial -days 824 -extfile "$work/leaf.ext" -out "$work/leaf.pem" 2>/dev/null
cat "$work/leaf.pem" "$work/ca.pem" >fullchain.pem
cp "$work/ca.pem" ca.pem
cp "$work/privkey.pem" privkey.pem
chmod 644 fullchain.pem ca.pem
echo "made $(pwd)/fullchain.pem and privkey.pem for $host; clients trust ca.pem"
