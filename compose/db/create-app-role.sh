#!/bin/bash
# Run once by the image, on an empty volume. The app gets a role that owns its database and nothing else; the
# superuser loses its password, and with it every way in over the network.
set -euo pipefail

psql --set=ON_ERROR_STOP=1 --quiet --no-password --username "$POSTGRES_USER" --dbname postgres \
    --set=password="$(< /run/secrets/db_password)" --set=superuser="$POSTGRES_USER" <<'SQL'
CREATE ROLE pageviews LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'password';
CREATE DATABASE pageviews OWNER pageviews;
REVOKE CONNECT ON DATABASE pageviews FROM PUBLIC;
ALTER ROLE :"superuser" PASSWORD NULL;
SQL
