#!/bin/bash
# Gives the app's role the password that is in the secrets now: docker-compose exec db bash /opt/set-app-password.sh
set -euo pipefail

psql --set=ON_ERROR_STOP=1 --quiet --username postgres --dbname postgres \
    --set=password="$(< /run/secrets/db_password)" <<< "ALTER ROLE pageviews PASSWORD :'password';"
