#!/bin/sh
# Stands in for debian:trixie-slim: build.sh HOST_FILES APT_SETTINGS OUTPUT.tar
# HOST_FILES is laid over the root file system: apt's sources, and what this computer needs to reach the outside.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
host_files=$1
apt_settings=$2
output=$3

packages=
if ls "$host_files"/usr/local/share/ca-certificates/*.crt > /dev/null 2>&1; then packages=ca-certificates; fi
if grep -q 'https://' "$host_files/etc/apt/sources.list.d/debian.sources"; then packages=ca-certificates; fi

mmdebstrap --quiet --variant=minbase --include="$packages" \
    --aptopt="$apt_settings" \
    --dpkgopt='force-unsafe-io' \
    --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/info/*' \
    --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-include=/usr/share/doc/*/copyright' \
    --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt='path-include=/usr/share/locale/locale.alias' \
    --customize-hook="sync-in '$host_files' /" \
    --customize-hook='if [ -x "$1/usr/sbin/update-ca-certificates" ]; then chroot "$1" update-ca-certificates > /dev/null 2>&1; fi' \
    --customize-hook='cd "$1" && rm -f etc/resolv.conf etc/hostname etc/apt/sources.list etc/apt/sources.list.d/0000* && rm -rf var/cache/debconf/*-old var/log/apt var/log/*.log' \
    trixie "$output" "$host_files/etc/apt/sources.list.d/debian.sources"
# Last, because mmdebstrap has a policy-rc.d of its own while it works, and takes it away.
tar --append --file="$output" --owner=0 --group=0 --directory="$here/files" \
    etc/apt/apt.conf.d/docker-clean usr/sbin/policy-rc.d
