#!/bin/sh
# Fills in the shipped registry configuration and starts the registry with it.
# The stock image reads no secret files, and its REGISTRY_* variables would put
# the secret into the process's environment, beside a second copy of the
# notification settings.
set -eu
umask 077
config=/run/registry/config.yml

# auth-service keeps its host name, the tokens' audience, in lower case.
host=$(printf %s "$PUBLIC_HOST" | tr A-Z a-z)
secret=$(cat /handover/webhook-secret)
http_secret=$(cat /handover/registry-http-secret)
AT_addr=:5000 \
AT_root_directory=/var/lib/registry \
AT_http_secret=$http_secret \
AT_realm=https://$host/token \
AT_service=$host \
AT_issuer=auth-service \
AT_root_certificates=/handover/ca.pem \
AT_events_url=http://auth-service-ops:5002/events \
AT_events_authorization="Bearer $secret" \
awk '
  !/^#/ && match($0, /"[^"]*" # @[a-z_]+$/) {
    head = substr($0, 1, RSTART - 1)
    name = substr($0, RSTART); sub(/.*@/, "", name)
    value = ENVIRON["AT_" name]
    if (value == "" || value ~ /["\\]|[[:cntrl:]]/) {
      print "start.sh: no usable value for @" name > "/dev/stderr"
      exit 1
    }
    print head "\"" value "\""
    next
  }
  { print }
' "$(dirname "$0")/config.yml" >"$config"
exec registry serve "$config"
