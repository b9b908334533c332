# shellcheck shell=bash
# Defines `held`: succeeds while a run holds the deployment's lock.
#   folder  of the deployment
: "${folder:?}"

# Shared: two that look at the same time must not take each other for a run.
held() { [ -e "$folder/lock.holder" ] && ! flock --nonblock --shared "$folder/lock" true; }
