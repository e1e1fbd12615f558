# shellcheck shell=bash
# Shared by the benchmarks; sourced, never run. Whoever sources it has sourced scripts/lib.sh. Words used here:
#   database  bench_N: one with N keys (setup/), all in one private cluster with the settings of `make run`
#   turn      one run of one script; what a script ran with stands in a list (measurements, sweep)
#   round     a turn of each, one after the other, so that a busy moment of the machine hits all of them

bench=$ROOT/tests/bench
results=$ROOT/target/bench
hot=1000
# Where the cluster is and how long a turn counts: for whoever sources this to set.
cluster=''
seconds=3

# start_bench MAJOR [CONF...]: starts the cluster $cluster
start_bench() {
    local tree=$1-release
    shift
    PORT='' scripts/cluster start "$cluster" "$tree" pgrx-config/run.conf ${CONF:+"$CONF"} "$@"
    # shellcheck source=/dev/null
    . "$cluster/env"
}

query() { psql -XAtq --set ON_ERROR_STOP=1 --command "$1" "${2:-postgres}"; }

# While the tables are filled nothing need survive a crash, and a checkpoint would only cost time.
hasty() {
    query "ALTER SYSTEM SET fsync = off"
    query "ALTER SYSTEM SET full_page_writes = off"
    query "ALTER SYSTEM SET max_wal_size = '16GB'"
    query "ALTER SYSTEM SET autovacuum = off"
    query "SELECT pg_reload_conf()" >/dev/null
}

as_configured() {
    query "ALTER SYSTEM RESET ALL"
    query "SELECT pg_reload_conf()" >/dev/null
    query "CHECKPOINT"
}

# run_setup KEYS FILE
run_setup() {
    local started=$SECONDS
    psql -Xqo /dev/null --set ON_ERROR_STOP=1 --set keys="$1" --file "$2" "bench_$1" || die "$(basename "$2") failed"
    note "$1 keys: $(basename "$2" .sql), $((SECONDS - started)) s"
}

# fill KEYS: makes the database; files with the same number fill different tables, two at a time
fill() {
    local file running=0
    query "CREATE DATABASE bench_$1"
    query "CREATE EXTENSION unkey" "bench_$1"
    run_setup "$1" "$bench/setup/10_catalogue.sql"
    for file in "$bench"/setup/2*.sql; do
        if [ "$running" -ge 2 ]; then wait -n; else running=$((running + 1)); fi
        run_setup "$1" "$file" &
    done
    while [ "$running" -gt 0 ]; do
        wait -n
        running=$((running - 1))
    done
    query "VACUUM ANALYZE" "bench_$1"
}

# options SETTINGS: "a=1,b=2" as the environment of a session; "-" is none
options() { [ "$1" = - ] || printf -- '-c %s ' "${1//,/ -c }"; }

# pgbench_on KEYS SETTINGS SCRIPT [FLAG...]: prepared statements over a Unix socket
pgbench_on() {
    local keys=$1 settings=$2 script=$3 number key step hundred='' bodies=''
    shift 3
    step=$((keys / hot))
    for number in {0..99}; do
        key=$((1000000000000000000 + step * (number % hot)))
        hundred+="${hundred:+,}$key"
        bodies+="${bodies:+,}\"{\\\"key\\\": \\\"$key\\\"}\""
    done
    PGOPTIONS=$(options "$settings") pgbench --no-vacuum --protocol prepared --file "$bench/scripts/$script.pgbench" \
        --define keys="$keys" --define hot="$hot" --define hundred_keys="{$hundred}" --define hundred_bodies="{$bodies}" "$@" "bench_$keys"
}

# turn SCRIPT CLIENTS KEYS SETTINGS: prints transactions per second; the first second does not count, so that caches are warm and
# whoever works behind the session works too. What that worker has left is done before the next turn begins.
turn() {
    local jobs=$2 log=$results/$1.log
    [ "$jobs" -le "$(nproc)" ] || jobs=$(nproc)
    pgbench_on "$3" "$4" "$1" --client "$2" --jobs "$jobs" --time $((seconds + 1)) --progress 1 >"$log" 2>&1 || {
        tail -n 20 "$log" >&2
        die "pgbench failed on $1"
    }
    query "SELECT FROM unkey.maintain()" "bench_$3" >/dev/null
    awk '/^progress: / { if (lines++) sum += $4 } END { if (lines < 2) exit 1; print sum / (lines - 1) }' "$log" ||
        die "pgbench reported too little progress on $1; give a turn 2 s at least (log: $log)"
}

# list FILE: its lines without comments
list() { grep -v '^#' "$1"; }

# The numbers of keys that stand in a list, as the lists name them.
keys_of() {
    case $1 in
        many) echo "${KEYS:-1000000}" ;;
        few) echo "${FEW_KEYS:-10000}" ;;
        *) die "a list names $1 keys; it may say many or few" ;;
    esac
}

# What the figures depend on, a line each.
describe_machine() {
    printf 'PostgreSQL\t%s\n' "$(query 'SHOW server_version')"
    printf 'processors\t%s, %s\n' "$(nproc)" "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)"
    printf 'memory\t%s\n' "$(awk '/^MemTotal/ { printf "%.0f GB", $2 / 1048576 }' /proc/meminfo)"
    printf 'system\t%s\n' "$(uname -sr)"
    printf 'settings\t%s\n' "$(query "SELECT string_agg(name || ' = ' || current_setting(name), ', ' ORDER BY name) FROM unnest(
        ARRAY['fsync', 'shared_buffers', 'shared_preload_libraries', 'synchronous_commit']) AS name")"
    printf 'load before\t%s\n' "$(cut -d' ' -f1-3 /proc/loadavg)"
    printf 'date\t%s\n' "$(date -u +%F)"
}
