#!/bin/bash
# The contract of the official image, in as much as the Django cluster can meet it: an empty PGDATA is initialised
# from POSTGRES_*, the files of /docker-entrypoint-initdb.d are run once against a server that listens on its
# socket only, and PostgreSQL then replaces this script.
set -Eeuo pipefail

fail() {
    echo "docker-entrypoint: $*" >&2
    exit 1
}

# NAME or the content of the file named by NAME_FILE; both is a mistake that must not pass unseen.
read_setting() {
    local name=$1 file="$1_FILE" value=${2:-}
    if [[ -n ${!name:-} && -n ${!file:-} ]]; then fail "both $name and $file are set, and only one may be"; fi
    if [[ -n ${!name:-} ]]; then value=${!name}; elif [[ -n ${!file:-} ]]; then value=$(< "${!file}"); fi
    export "$name=$value"
    unset "$file"
}

read_settings() {
    read_setting POSTGRES_PASSWORD
    read_setting POSTGRES_USER postgres
    read_setting POSTGRES_DB "$POSTGRES_USER"
    read_setting POSTGRES_INITDB_ARGS
    : "${POSTGRES_HOST_AUTH_METHOD:=}"
}

refuse_without_password() {
    if [[ -z $POSTGRES_PASSWORD && $POSTGRES_HOST_AUTH_METHOD != trust ]]; then
        fail "the database is not initialised and no superuser password is given: set POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE"
    fi
}

prepare_folders() {
    mkdir -p "$PGDATA" /var/run/postgresql
    chmod 00700 "$PGDATA" || true
    if [[ $(id -u) == 0 ]]; then
        find "$PGDATA" ! -user postgres -exec chown postgres {} +
        find /var/run/postgresql ! -user postgres -exec chown postgres {} +
    fi
}

initialise_cluster() {
    local arguments=()
    if [[ -n $POSTGRES_INITDB_ARGS ]]; then read -ra arguments <<< "$POSTGRES_INITDB_ARGS"; fi
    if [[ -n ${POSTGRES_INITDB_WALDIR:-} ]]; then arguments+=(--waldir "$POSTGRES_INITDB_WALDIR"); fi
    initdb --username="$POSTGRES_USER" --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") "${arguments[@]}"
    local method=${POSTGRES_HOST_AUTH_METHOD:-$(postgres -C password_encryption -D "$PGDATA")}
    printf '\nhost all all all %s\n' "$method" >> "$PGDATA/pg_hba.conf"
}

run_sql() {
    psql --no-psqlrc --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --no-password "$@"
}

create_database() {
    if [[ $POSTGRES_DB == postgres ]]; then return; fi
    run_sql --dbname postgres --set db="$POSTGRES_DB" <<< 'CREATE DATABASE :"db";'
}

run_first_steps() {
    local step
    for step in /docker-entrypoint-initdb.d/*; do
        [[ -e $step ]] || continue
        echo "docker-entrypoint: $step"
        case $step in
            *.sh) if [[ -x $step ]]; then "$step"; else . "$step"; fi ;;
            *.sql) run_sql --dbname "$POSTGRES_DB" --file "$step" ;;
            *.sql.gz) gunzip -c "$step" | run_sql --dbname "$POSTGRES_DB" ;;
            *.sql.xz) xzcat "$step" | run_sql --dbname "$POSTGRES_DB" ;;
            *.sql.zst) zstd -dc "$step" | run_sql --dbname "$POSTGRES_DB" ;;
            *) echo "docker-entrypoint: ignoring $step" ;;
        esac
    done
}

# Nobody outside may meet a half-made database, so the server that makes it has no network address.
make_database() {
    export PGPASSWORD=${PGPASSWORD-$POSTGRES_PASSWORD}
    pg_ctl -D "$PGDATA" -o "-c listen_addresses='' -p ${PGPORT:-5432}" -w start
    create_database
    run_first_steps
    pg_ctl -D "$PGDATA" -m fast -w stop
    unset PGPASSWORD
}

if [[ ${1:-} == -* ]]; then set -- postgres "$@"; fi
if [[ ${1:-} != postgres ]]; then exec "$@"; fi
case " $* " in *" --help "* | *" -? "* | *" --version "* | *" -V "* | *" --describe-config "*) exec "$@" ;; esac

if [[ $(id -u) == 0 ]]; then
    prepare_folders
    exec setpriv --reuid postgres --regid postgres --clear-groups "${BASH_SOURCE[0]}" "$@"
fi
prepare_folders
if [[ ! -s $PGDATA/PG_VERSION ]]; then
    read_settings
    refuse_without_password
    initialise_cluster
    make_database
    echo "docker-entrypoint: the database is ready; starting PostgreSQL"
fi
exec "$@"
