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
    PORT='' cluster start "$home/cluster" "$major" "$ROOT/pgrx-config/test.conf" "$home/conf"
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
