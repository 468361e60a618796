#!/bin/sh
# What `berth shell --app` runs on the host: a shell in a container of the release that serves. Takes no arguments.
set -eu

say() {
  echo "berth: $1" >&2
  exit 1
}

number=$(python3 -c 'import json; print(int(json.load(open("/var/lib/berth/serving.json"))["number"]))' 2>/dev/null) ||
  say "no release serves on this host"
name=$(docker ps --filter "label=berth.release=$number" --filter status=running --format '{{.Names}}' | grep '^app-' | sort | head -n 1)
if [ -z "$name" ]; then say "no container of release $number runs"; fi
for shell in bash sh; do
  # The image's own, so it may be missing.
  if docker exec "$name" "$shell" -c : >/dev/null 2>&1; then
    echo "$name"
    exec docker exec --interactive --tty "$name" "$shell"
  fi
done
say "the image of $name has no shell, neither bash nor sh. docker cp $name:PATH - | tar tv, in a shell on the host, shows its files"
