#!/bin/sh
# Makes the machine ready for releases: packages, engine, edge. Runs before every start of berth.service; what is
# there already is left alone, and what fails (a mirror out of reach, a lock held) is tried again by systemd.
# `setup.sh edge` does the edge's part alone, for a release with other settings: see berth-edge.service.
set -eu
part=${1:-all}

# One at a time: both parts write the edge's configuration and have its clients leave.
if [ "${BERTH_SETUP_LOCK:-}" != held ]; then BERTH_SETUP_LOCK=held exec flock /run/berth-setup.lock sh "$0" "$@"; fi

# All that differs between the operating systems: installer, the edge's user, what clears headers by wildcard, packages.
ID=unknown
# shellcheck source=/dev/null
. /etc/os-release
case $ID in
debian) set -- apt www-data 'more_clear_input_headers X-Forwarded-* X-Original-*;' docker.io docker-cli nginx-light libnginx-mod-http-perl libnginx-mod-http-headers-more-filter e2fsprogs python3-botocore python3-acme amazon-ecr-credential-helper unattended-upgrades ;;
amzn) set -- dnf nginx '' docker nginx nginx-mod-http-perl e2fsprogs python3-botocore amazon-ecr-credential-helper dnf-automatic ;;
*)
  echo "berth: no packages are known for $ID" >&2
  exit 1
  ;;
esac
installer=$1 edge_user=$2 clear_headers=$3
shift 3

apt_has() {
  ! dpkg-query --show --showformat '${db:Status-Status}\n' "$@" 2>&1 | grep -qvx installed
}

# The machine's public address may change under way: a stalled download is given up soon and begun again.
apt_install() {
  export DEBIAN_FRONTEND=noninteractive
  patient="-o DPkg::Lock::Timeout=300 -o Acquire::Retries=5 -o Acquire::http::Timeout=10 -o Acquire::https::Timeout=10"
  dpkg --configure -a --force-confold
  # shellcheck disable=SC2086 # the options are words
  apt-get $patient -qq update
  # shellcheck disable=SC2086
  apt-get $patient -o Dpkg::Options::=--force-confold -qq install --yes --no-install-recommends "$@"
}

dnf_has() {
  rpm --quiet -q "$@"
}

dnf_install() {
  dnf --setopt=timeout=10 --setopt=retries=5 --setopt=install_weak_deps=False -q -y install "$@"
}

# Security updates by themselves. Each time, as an earlier set-up may have ended between the packages and this.
dnf_update() {
  # The image is pinned to one version of the repositories: updates come from the newest.
  echo latest >/etc/dnf/vars/releasever
  sed -i -e 's/^upgrade_type *=.*/upgrade_type = security/' -e 's/^apply_updates *=.*/apply_updates = yes/' /etc/dnf/automatic.conf
  systemctl enable --quiet --now dnf-automatic.timer
}

# Debian's package turns itself on, and reads 60-berth-apt.conf, which is there before it.
apt_update() {
  :
}

# The release's settings are the converger's: edge.json has those to go by, applied/edge.json those that the edge has read.
ask_settings() {
  python3 -B /usr/local/lib/berth/edge_settings.py "$@"
}

# What edge and switch read before the converger has written it.
fill_in_settings() {
  mkdir -p /var/lib/berth/applied
  [ -e /var/lib/berth/upstreams.conf ] || printf 'upstream %s { server 127.0.0.1:9; }\n' fresh kept >/var/lib/berth/upstreams.conf
  [ -e /var/lib/berth/drain.conf ] || echo 'worker_shutdown_timeout 30s;' >/var/lib/berth/drain.conf
  [ -e /var/lib/berth/websockets.conf ] || : >/var/lib/berth/websockets.conf
  [ -e /var/lib/berth/edge.json ] || echo '{}' >/var/lib/berth/edge.json
}

# Silent where all is well: nginx warns of what is only old, and the last lines of the journal tell why an agent failed.
test_edge() {
  said=$(nginx -t -q -c /etc/nginx/nginx.conf.berth 2>&1) || {
    printf '%s\n' "$said" >&2
    return 1
  }
}

configure_edge() {
  mkdir -p /etc/nginx /var/log/berth
  ask_settings /usr/local/lib/berth/edge.conf /var/lib/berth/edge.json "edge_user=$edge_user" "clear_headers=$clear_headers" >/etc/nginx/nginx.conf.berth
  # Before it is there for the next start to read.
  if [ "$edge_runs" = yes ]; then test_edge; fi
  mv /etc/nginx/nginx.conf.berth /etc/nginx/nginx.conf
  if [ "$edge_runs" = yes ]; then when_changed /etc/nginx/nginx.conf reload_edge; else when_changed /etc/nginx/nginx.conf true; fi
  cp /var/lib/berth/edge.json /var/lib/berth/applied/edge.json
}

# Once for each change of the files, whatever ended in between. What doesn't run yet reads them when it starts.
when_changed() {
  files=$1
  shift
  # shellcheck disable=SC2086 # several files
  sum=$(cat $files | sha256sum)
  mark=/var/lib/berth/applied/$(basename "$files")
  if [ "$(cat "$mark" 2>/dev/null || true)" = "$sum" ]; then return; fi
  "$@"
  mkdir -p /var/lib/berth/applied
  echo "$sum" >"$mark"
}

# Connections that clients keep end first: told to leave with the next answer, or by the edge's keepalive_timeout.
# Where nothing has served yet, nobody has an answer to lose.
reload_edge() {
  : >/run/berth-leaving
  if [ -e /var/lib/berth/serving.json ]; then sleep 66; fi
  master=$(systemctl show --property MainPID --value nginx.service)
  workers=$(cat "/proc/$master/task/$master/children" 2>/dev/null || true)
  systemctl reload nginx.service
  # A worker that hasn't heard of it yet would let clients keep their connections, and then close them.
  for worker in $workers; do
    tries=0
    while [ "$(tr -d '\0' 2>/dev/null <"/proc/$worker/cmdline" || true)" = "nginx: worker process" ] && [ "$tries" -lt 300 ]; do
      sleep 0.1
      tries=$((tries + 1))
    done
  done
  rm /run/berth-leaving
}

# A setting that the engine doesn't know would keep it from starting after the next reboot.
tell_engine() {
  dockerd --validate --config-file /etc/docker/daemon.json >/dev/null
  systemctl try-reload-or-restart docker.service
}

# nginx counts requests, which need a whole header: connections that send none are counted here. Those of a trusted proxy
# are many clients'.
limit_connections() {
  limit="-p tcp -m connlimit --connlimit-above 512 -j REJECT --reject-with tcp-reset"
  blocks=$(ask_settings trusted /var/lib/berth/edge.json)
  # shellcheck disable=SC2086 # limit and port are words
  {
    { iptables -w -N berth-edge 2>/dev/null || iptables -w -F berth-edge; } &&
      for block in $blocks; do iptables -w -A berth-edge -s "$block" -j RETURN || break; done &&
      iptables -w -A berth-edge $limit &&
      for port in 80 443; do
        edge_port="INPUT -p tcp --dport $port --syn"
        iptables -w -C $edge_port -j berth-edge 2>/dev/null || iptables -w -I $edge_port -j berth-edge || break
      done
  } || echo "berth: one address may take all connections" >&2
  # An earlier agent's, without exceptions.
  # shellcheck disable=SC2086
  iptables -w -D INPUT -p tcp --dport 80 --syn ${limit#-p tcp } 2>/dev/null || true
}

# Each visitor's connection is an entry in the kernel's table for 120 s, and so is the one to the replica. A small machine's
# table takes some 7,500. The kernel has this table once limit_connections has asked for it.
enlarge_table() {
  sysctl --quiet --write net.netfilter.nf_conntrack_max=131072 net.netfilter.nf_conntrack_tcp_timeout_time_wait=15 2>/dev/null ||
    echo "berth: the kernel's table of connections keeps its size" >&2
}

rm -f /run/berth-leaving
edge_runs=no
if systemctl is-active --quiet nginx.service; then edge_runs=yes; fi
fill_in_settings
if [ "$part" = edge ]; then
  configure_edge
  limit_connections
  exit
fi
# A first one is configured before its package is there: nginx must never show the distribution's own page, not even for a
# moment. A running one after, as its new configuration may need a new package.
if [ "$edge_runs" = no ]; then configure_edge; fi
when_changed /etc/systemd/journald.conf.d/journald-berth.conf systemctl restart systemd-journald.service
when_changed /etc/sysctl.d/60-berth-sysctl.conf sysctl --quiet --load=/etc/sysctl.d/60-berth-sysctl.conf
"${installer}_has" "$@" || "${installer}_install" "$@"
"${installer}_update"
# The values of the app's secrets, for the converger and the engine's runtime.
install -d -m 0700 /run/berth-secrets
# What the certificate's service writes, and the edge's workers read.
mkdir -p /var/lib/berth-tls/names /var/lib/berth-tls/webroot
chmod 0750 /var/lib/berth-tls
chgrp "$edge_user" /var/lib/berth-tls
limit_connections
enlarge_table
when_changed /etc/docker/daemon.json tell_engine
when_changed "/usr/local/lib/berth/retries.pm /usr/local/lib/berth/switch.conf" systemctl try-reload-or-restart berth-switch.service
if [ "$edge_runs" = yes ]; then configure_edge; fi
for unit in docker.service berth-switch.service nginx.service; do
  systemctl is-enabled --quiet "$unit" || systemctl enable --quiet "$unit"
  systemctl start "$unit"
done
