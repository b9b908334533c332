#!/bin/sh
# Gives systemd what a server of its own has, and keeps it away from what belongs to the machine.
set -eu

# Docker inside needs mounts that propagate, and mount points of its own.
mount --make-rshared /

# With a cgroup namespace of its own only this container's part of each hierarchy is seen, so it may be written.
awk '$5 ~ "^/sys/fs/cgroup" { print $5 }' /proc/self/mountinfo |
  while read -r mount; do mount -o remount,bind,rw "$mount"; done

# These settings exist once per kernel: writes go to copies that nobody reads.
copies=/run/machine
mkdir -p "$copies"
for setting in /proc/sys/vm /proc/sys/fs /proc/sys/kernel/panic*; do
  copy=$copies/$(basename "$setting")
  cp -r "$setting" "$copies/" 2>/dev/null || [ -e "$copy" ] # some can only be written
  mount --bind "$copy" "$setting"
done

# A boot has an id of its own, here too.
cat /proc/sys/kernel/random/uuid > "$copies/boot_id"
mount --bind "$copies/boot_id" /proc/sys/kernel/random/boot_id

# hostnamectl and editors replace these files, which bind mounts do not allow.
for file in /etc/hostname /etc/hosts; do
  content=$(cat "$file")
  umount "$file" 2>/dev/null || true
  printf '%s\n' "$content" > "$file"
done

exec /lib/systemd/systemd
