#!/bin/sh
# Writes /etc/nginx/conf.d/NAME for each /etc/nginx/templates/NAME.template, with ${VARIABLES} of the environment filled in.
# Only names that exist are replaced, so that nginx's own $variables stay.
set -eu

templates="${NGINX_ENVSUBST_TEMPLATE_DIR:-/etc/nginx/templates}"
suffix="${NGINX_ENVSUBST_TEMPLATE_SUFFIX:-.template}"
output="${NGINX_ENVSUBST_OUTPUT_DIR:-/etc/nginx/conf.d}"
filter="${NGINX_ENVSUBST_FILTER:-}"

[ -d "$templates" ] || exit 0
if [ ! -w "$output" ]; then
    echo "$0: $templates exists, but $output can't be written to" >&2
    exit 0
fi
names=$(env | sed -n 's/^\([A-Za-z_][A-Za-z0-9_]*\)=.*/\1/p' | grep -E "$filter" | sed 's/.*/${&}/' | tr '\n' ' ')
find "$templates" -follow -type f -name "*$suffix" | sort | while read -r template; do
    name=${template#"$templates"/}
    target="$output/${name%"$suffix"}"
    mkdir -p "$(dirname "$target")"
    envsubst "$names" < "$template" > "$target"
done
