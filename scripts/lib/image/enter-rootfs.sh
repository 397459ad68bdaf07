#!/usr/bin/env bash
# enter-rootfs.sh ROOTFS DATA USER NAME=VALUE... -- COMMAND...
# In new mount and process namespaces: makes ROOTFS the root, read-only but for /tmp and the volume /app/data, and runs a command
# as a user without rights and without the means to get any.
set -euo pipefail

rootfs=$1 data=$2 user=$3
shift 3
variables=()
while [ "$1" != -- ]; do
  variables+=("$1")
  shift
done
shift

mount --make-rprivate /
mount --bind "$rootfs" "$rootfs"
mount --bind "$data" "$rootfs/app/data"
mount -t tmpfs tmpfs "$rootfs/tmp"
mount -t proc proc "$rootfs/proc"
mount --rbind /dev "$rootfs/dev"
# As a container has it, and where the limit of the memory is read.
mount --rbind /sys "$rootfs/sys"
mount -t tmpfs tmpfs "$rootfs/dev/shm"
touch "$rootfs/etc/resolv.conf" "$rootfs/etc/hosts"
mount --bind /etc/resolv.conf "$rootfs/etc/resolv.conf"
mount --bind /etc/hosts "$rootfs/etc/hosts"
mkdir -p "$rootfs/mnt"
cd "$rootfs"
pivot_root . mnt
umount --lazy /mnt
mount -o remount,bind,ro /
cd /app
# shellcheck disable=SC2016
exec env -i "${variables[@]}" HOME="/home/$user" setpriv --reuid "$user" --regid "$user" --init-groups --no-new-privs --inh-caps=-all --bounding-set=-all "$@"
