# shellcheck shell=bash
# Shared by the tests of this directory; sourced, never run. A test has several servers, each with a name.
# shellcheck source=tests/lifecycle/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lifecycle/lib.sh"
home=$(place "target/backup/$(basename "$0")-$major")
work=$home
# shellcheck source=tests/data.sh
. "$ROOT/tests/data.sh"

servers=()

# server NAME [SETTING...]: starts the server of this name, new or stopped before, and connects to it
server() {
    local name=$1
    shift
    servers+=("$name")
    printf '%s\n' "shared_preload_libraries = 'unkey'" "max_worker_processes = 32" "unkey.maintenance_interval = '1s'" \
        "unkey.event_interval = '100ms'" "$@" >"$home/$name.conf"
    PORT='' cluster start "$home/$name" "$major" "$ROOT/pgrx-config/test.conf" "$home/$name.conf"
    connect "$name"
}

# connect NAME
connect() {
    # shellcheck source=/dev/null
    . "$home/$1/env"
}

# program NAME ARGUMENTS...: one of Postgres' own, as the user that servers run as
program() { (cd / && as_server "$(pg_bin "$major")/$1" "${@:2}"); }

# base_backup NAME [ARGUMENT...]: of the server that is connected, for a server of this name
base_backup() {
    mkdir -p "$home/$1"
    give_to_server "$home/$1"
    pg_bin "$major" >"$home/$1/bin"
    program pg_basebackup --pgdata "$home/$1/data" --checkpoint fast --no-sync "${@:2}"
}

remove_all() {
    local name
    for name in "${servers[@]}"; do cluster remove "$home/$name"; done
    rm -rf "$home"
}

begin() {
    rm -rf "$home"
    mkdir -p "$home"
    trap remove_all EXIT
}

finish() {
    [ "$failures" = 0 ] || die "$failures tests of $(basename "$0") failed"
}

# ---- keys under load --------------------------------------------------------------------------------------------

credits=1000000

# prepare DATABASE: everything there is, and for the load a key with credits and an account of who spent them
prepare() {
    query postgres "CREATE DATABASE $1"
    fill "$1"
    keep "$1" loaded "credits => $credits"
    query "$1" "CREATE TABLE spent (code text)"
    echo "INSERT INTO spent SELECT code FROM unkey_verify_key('$(text_of loaded)');" >"$work/spend.sql"
    echo "SELECT FROM unkey_create_key('$api', name => 'made meanwhile'), unkey_limit('exports', 'load', 1000000, '30 days');" >"$work/change.sql"
}

# load DATABASE SECONDS: eight clients who spend, and change things; leaves how many were answered
load() {
    pgbench --no-vacuum --client 8 --jobs 2 --protocol prepared --time "$2" --file "$work/spend.sql@9" --file "$work/change.sql@1" "$1" \
        >"$work/pgbench" 2>&1 || true
}

# answered: how many transactions of the load that spend were
answered() { sed -n '/spend.sql/,/change.sql/s/^ - \([0-9]*\) transactions.*/\1/p' "$work/pgbench"; }

# accounted DATABASE: the balance and what was spent must be what there was at first
accounted() {
    query "$1" "SELECT remaining + (SELECT count(*) FROM spent WHERE code = 'VALID') FROM unkey.credits
        JOIN unkey.keys ON keys.id = credits.key_id WHERE name = 'loaded'"
}

spent() { query "$1" "SELECT count(*) FROM spent WHERE code = 'VALID'"; }

balance() { query "$1" "SELECT remaining FROM unkey.credits JOIN unkey.keys ON keys.id = credits.key_id WHERE name = 'loaded'"; }

code() { query "$1" "SELECT code FROM unkey_verify_key('$(text_of "$2")')"; }

revoke() { query "$1" "SELECT FROM unkey_delete_key((SELECT id FROM unkey.keys WHERE name = '$2'))"; }

# limit DATABASE COST: whether it passed, and what is left of ten
limit() { query "$1" "SELECT concat_ws(' ', success, remaining) FROM unkey_limit('exports', 'counted', 10, '30 days', $2)"; }

unsealed() { query "$1" "SELECT count(*) FROM unkey.audit_log WHERE seal IS NULL"; }

# in_service NAME DATABASE: that everything works there, whoever it was before
in_service() {
    goes_on_working "$2" >"$work/work"
    expect "$1: work that fails" "" "$(failures_of "$work/work")"
    expect_soon "$1: a worker" 1 workers "$2"
    expect_soon "$1: the worker seals" 0 unsealed "$2"
    expect "$1: audit log" "t " "$(query "$2" "SELECT concat_ws(' ', valid, coalesce(problem, '')) FROM unkey_verify_audit_log()")"
}
