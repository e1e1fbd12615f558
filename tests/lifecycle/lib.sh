# shellcheck shell=bash
# Shared by the tests of this directory; sourced, never run. A test gets the major as its argument and makes clusters of its own,
# which it may stop, kill and restart.
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"

major=${1:-}
need_major "$major"
home=$(place "target/lifecycle/$(basename "$0")-$major")
failures=0

cluster() { "$ROOT/scripts/cluster" "$@"; }

# start [SETTING...]: a cluster with these settings, new or stopped before, and the connection to it
start() {
    local setting
    mkdir -p "$home"
    for setting in "shared_preload_libraries = 'unkey'" "max_worker_processes = 32" "$@"; do echo "$setting"; done >"$home/conf"
    PORT='' cluster start "$home/cluster" "${tree:-$major}" "$ROOT/pgrx-config/test.conf" "$home/conf"
    # shellcheck source=/dev/null
    . "$home/cluster/env"
}

# stop [MODE]: fast unless said otherwise
stop() { control "$home/cluster" stop --mode "${1:-fast}" --wait; }

# control DIR ARGUMENTS...: pg_ctl for the cluster in DIR
control() {
    local dir=$1
    shift
    (cd / && as_server "$(pg_bin "$major")/pg_ctl" --pgdata "$dir/data" --silent "$@")
}

remove() { cluster remove "$home/cluster" && rm -rf "$home"; }

# query DATABASE SQL...
query() {
    local database=$1 command=()
    shift
    for sql in "$@"; do command+=(--command "$sql"); done
    psql -XAtq --set ON_ERROR_STOP=1 "${command[@]}" "$database"
}

# state DATABASE SQL: the SQLSTATE of a statement, 00000 for none
state() {
    local said
    said=$(psql -XAtq --set VERBOSITY=sqlstate --output /dev/null --command "$2" "$1" 2>&1 || true)
    said=${said##*ERROR:  }
    echo "${said:-00000}"
}

# ---- databases that verify ---------------------------------------------------------------------------------------

# new_database NAME: a database with the extension, a key, and today's partitions.
new_database() {
    query postgres "CREATE DATABASE $1"
    query "$1" "CREATE EXTENSION unkey" "SELECT unkey.maintain()" >/dev/null
    key=$(query "$1" "SELECT key FROM unkey_create_key(unkey_create_api('$1-api'))")
    # The first event, which nobody keeps, wants a worker; from then on events go through memory.
    query "$1" BEGIN "SELECT FROM unkey_verify_key('$key')" ROLLBACK
    until [ "$(workers "$1")" = 1 ]; do sleep 0.05; done
}

# verify DATABASE TIMES
verify() { query "$1" "SELECT count(unkey_verify_key('$key')) FROM generate_series(1, $2)" >/dev/null; }

recorded() { query "$1" "SELECT count(*) FROM unkey.key_verifications_v1"; }

# rolled_up DATABASE: the numbers of the three sides, which must agree
rolled_up() {
    # The worker may be at it.
    until [ "$(query "$1" "SELECT unkey.maintain() IS NULL")" = f ]; do sleep 0.1; done
    query "$1" "SELECT concat_ws(' ', (SELECT count(*) FROM unkey.verifications), (SELECT sum(count) FROM unkey.verification_hours),
        (SELECT sum(count) FROM unkey.verification_days), (SELECT sum(count) FROM unkey.key_verifications_per_hour_v1))"
}

# workers [DATABASE]
workers() { query postgres "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'unkey worker' AND datname LIKE '${1:-%}'"; }

worker() { query postgres "SELECT pid FROM pg_stat_activity WHERE backend_type = 'unkey worker' AND datname = '$1'"; }

count_in_log() { grep -c "$1" "$home/cluster/log" || true; }

# hammer DATABASE SECONDS: verifies with eight clients and leaves how many of them were answered in $home/answered
hammer() {
    echo "SELECT code FROM unkey_verify_key('$key');" >"$home/verify.sql"
    pgbench --no-vacuum --client 8 --jobs 2 --protocol prepared --time "$2" --file "$home/verify.sql" "$1" >"$home/pgbench" 2>&1 || true
    sed -n 's/^number of transactions actually processed: \([0-9]*\).*/\1/p' "$home/pgbench" >"$home/answered"
}

# ---- expectations -----------------------------------------------------------------------------------------------

# expect WHAT EXPECTED GOT
expect() {
    if [ "$2" = "$3" ]; then
        printf 'ok      %s: %s\n' "$1" "$3"
    else
        printf 'not ok  %s: expected %s, got %s\n' "$1" "$2" "$3"
        failures=$((failures + 1))
    fi
}

# expect_soon WHAT EXPECTED COMMAND...: what the command prints is what is expected, within half a minute
expect_soon() {
    local what=$1 expected=$2 got='' tries
    shift 2
    for tries in $(seq 300); do
        got=$("$@" 2>&1) || true
        [ "$got" != "$expected" ] || break
        [ "$tries" = 300 ] || sleep 0.1
    done
    expect "$what" "$expected" "$got"
}

finish() {
    remove
    [ "$failures" = 0 ] || die "$failures tests of $(basename "$0") failed"
}
