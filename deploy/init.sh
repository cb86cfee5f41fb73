#!/bin/sh
# The one-shot service of compose.yaml: makes what is missing and never touches
# what is there, so that it can run at every start. In /handover the group may
# read: the registry is its only other member.
set -eu
umask 077

# A name of its own until it is whole: an interrupted start leaves no half file.
random_file() {
  [ -s "$1" ] || {
    od -An -N32 -tx1 /dev/urandom | tr -d ' \n' >"$1.new"
    chmod 640 "$1.new"
    mv "$1.new" "$1"
  }
}
random_file /handover/webhook-secret
random_file /handover/registry-http-secret

# Only the first start, which finds no keys, makes a database: one that is missing
# later was lost, and the service says so. `key list` fails without keys, for one;
# whatever else the reason, `key init` says it and overwrites nothing.
auth-service key list >/dev/null 2>&1 || {
  [ -e /data/auth-service.db ] || auth-service db init
  auth-service key init
}
auth-service key export-ca >/handover/ca.pem.new
chmod 640 /handover/ca.pem.new
mv /handover/ca.pem.new /handover/ca.pem
