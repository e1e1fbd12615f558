# shellcheck shell=bash
# Shared by the tests of this directory; sourced, never run.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

# expect WHAT EXPECTED GOT
expect() {
    if [ "$2" = "$3" ]; then
        printf 'ok      %s: %s\n' "$1" "$3"
    else
        printf 'not ok  %s: expected %s, got %s\n' "$1" "$2" "$3"
        failures=$((failures + 1))
    fi
}

# finish: fails if an expectation did
finish() {
    [ "$failures" -eq 0 ] || {
        echo "$failures expectations failed"
        exit 1
    }
}
