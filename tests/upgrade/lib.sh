# shellcheck shell=bash
# Shared by the tests of this directory; sourced, never run.
# shellcheck source=tests/lifecycle/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lifecycle/lib.sh"
home=$(place "target/upgrade/$(basename "$0")-$major")
work=$home
# shellcheck source=tests/data.sh
. "$ROOT/tests/data.sh"

# same WHAT FILE FILE: whether the files are the same; shows how not, and of what
same() {
    if diff --unified=2 --show-function-line='^[^ ]' "$2" "$3" >"$work/diff"; then
        printf 'ok      %s (%s lines)\n' "$1" "$(wc -l <"$2")"
    else
        printf 'not ok  %s\n' "$1"
        head -n 200 "$work/diff"
        failures=$((failures + 1))
    fi
}

catalogue() { psql -XAtq --set ON_ERROR_STOP=1 --file "$ROOT/tests/upgrade/catalogue.sql" "$1"; }

# configured DATABASE: rows of tables that neither verifications nor maintenance change, and privileges
configured() { contents "$1" | grep -vE '^unkey\.(verification_|ratelimit_(hours|days|queue|events)|rolled_up|last_maintenance|key_usage)'; }

# works DATABASE: that everything does
works() {
    goes_on_working "$1" >"$work/work"
    expect "$1: work that fails" "" "$(failures_of "$work/work")"
}
