#!/bin/sh
# Runs what lies in /docker-entrypoint.d, in order of name, before nginx itself: *.envsh is read in, *.sh is executed.
set -eu

say() {
    if [ -z "${NGINX_ENTRYPOINT_QUIET_LOGS:-}" ]; then echo "$0: $*"; fi
}

prepare() {
    for step in /docker-entrypoint.d/*; do
        case "$step" in
            *.envsh) if [ -x "$step" ]; then say "reading $step"; . "$step"; else say "ignoring $step, not executable"; fi ;;
            *.sh) if [ -x "$step" ]; then say "running $step"; "$step"; else say "ignoring $step, not executable"; fi ;;
            *) say "ignoring $step" ;;
        esac
    done
}

case "${1:-}" in
    nginx | nginx-debug) prepare ;;
esac
exec "$@"
