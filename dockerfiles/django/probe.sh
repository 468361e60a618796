#!/bin/bash
# The health check of the container: exit 0 if the app says that it is ready, else 1 with what it said.
# Bash alone, because it runs for as long as the app does: the start of a Python costs ten times as much.

exec 3<> "/dev/tcp/127.0.0.1/${PORT:-8000}" || exit 1
printf 'GET /readyz HTTP/1.0\r\nHost: localhost\r\n\r\n' >&3
# All of the answer, which ends with the connection; 1 because no NUL is in it.
IFS= read -r -d '' -t 4 reply <&3

status_line=${reply%%$'\r\n'*}
echo "$status_line ${reply#*$'\r\n\r\n'}"
[[ $status_line == 'HTTP/1.'?' 200 '* ]]
