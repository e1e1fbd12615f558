# shellcheck shell=bash
# Shared by every script here; sourced, never run. Words used throughout:
#   tree     a private copy of one Postgres installation, so nothing is ever installed into the system's own; named
#            after its major (15: debug builds, for tests) or MAJOR-release (optimised ones, for make run and bench),
#            MAJOR-faulty (for a test that must find it out)
#   place    where a directory of this checkout really lives (elsewhere if the server's user cannot reach the checkout)
#   server   initdb, pg_ctl and postgres; they refuse to run as root, so as_server gives them another identity
set -euo pipefail
umask 022

ROOT=$(cd -P "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
MAJORS="15 16 17 18"

say() { printf '==> %s\n' "$*"; }

note() { printf '    %s\n' "$*"; }

die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# usage: prints the header comment of the calling script, without its "# ", and exits 2
usage() {
    sed -n '2,/^[^#]/{s/^# \{0,1\}//p;}' "$0" >&2
    exit 2
}

is_root() { [ "$(id -u)" -eq 0 ]; }

is_major() { case " $MAJORS " in *" $1 "*) ;; *) return 1 ;; esac; }

need_major() { is_major "${1:-}" || die "'${1:-}' is not a supported PostgreSQL major; choose one of: $MAJORS"; }

# logged FILE COMMAND...: runs quietly; on failure shows the end of the log
logged() {
    local log=$1
    shift
    mkdir -p "$(dirname "$log")"
    if NO_COLOR=1 CARGO_TERM_COLOR=never "$@" >"$log" 2>&1 </dev/null; then return 0; fi
    tail -n 40 "$log" >&2
    printf '(the whole log: %s)\n' "$log" >&2
    return 1
}

# ---- who the server runs as -------------------------------------------------------------------------------------

server_uid() { id -u postgres 2>/dev/null || echo 65534; }
server_gid() { id -g postgres 2>/dev/null || echo 65534; }

# Prints "plain" (not root), "namespace" (root seen as another user, files stay root's) or "switch" (really another
# user). Probed once and handed on to child processes. UNKEY_NO_USERNS=1 leaves the namespace out.
server_identity() {
    if [ -z "${UNKEY_SERVER_IDENTITY:-}" ]; then
        if ! is_root; then
            UNKEY_SERVER_IDENTITY=plain
        elif [ -z "${UNKEY_NO_USERNS:-}" ] &&
            unshare --user --map-user="$(server_uid)" --map-group="$(server_gid)" true 2>/dev/null; then
            UNKEY_SERVER_IDENTITY=namespace
        else
            UNKEY_SERVER_IDENTITY=switch
        fi
        export UNKEY_SERVER_IDENTITY
    fi
    echo "$UNKEY_SERVER_IDENTITY"
}

server_identity >/dev/null

# as_server COMMAND...: the command under an identity Postgres accepts
as_server() {
    case $(server_identity) in
        plain) "$@" ;;
        namespace)
            USER=postgres unshare --user --map-user="$(server_uid)" --map-group="$(server_gid)" "$@"
            ;;
        switch)
            USER=postgres HOME=/ setpriv --reuid="$(server_uid)" --regid="$(server_gid)" --clear-groups "$@"
            ;;
    esac
}

# give_to_server DIR...: makes the directories the server's own where that is a different user
give_to_server() {
    [ "$(server_identity)" != switch ] || chown -R "$(server_uid):$(server_gid)" "$@"
}

# ---- where things live ------------------------------------------------------------------------------------------

# Downloads and cargo-pgrx; kept between checkouts.
cache_dir() {
    if [ -n "${UNKEY_CACHE:-}" ]; then
        echo "$UNKEY_CACHE"
    elif [ "$(server_identity)" = switch ]; then
        echo /var/cache/unkey
    else
        echo "${XDG_CACHE_HOME:-$HOME/.cache}/unkey"
    fi
}

# place NAME: the directory for NAME, a path inside the checkout. A server that cannot enter the checkout (say, one
# under /root) is served from the cache instead.
place() {
    # The current directory may be closed to the server as well, hence the cd.
    if (cd / && as_server test -r "$ROOT" -a -x "$ROOT"); then
        echo "$ROOT/$1"
    else
        echo "/var/cache/unkey/checkout-$(printf '%s' "$ROOT" | cksum | cut -d' ' -f1)/$1"
    fi
}

tree_dir() { place "target/pg/$1"; }

# pg_bin TREE: the directory of its programs, symbolic links resolved (see scripts/postgres)
pg_bin() {
    local dir
    dir=$(tree_dir "$1")/bin
    [ -d "$dir" ] || die "no PostgreSQL $1 here yet; run scripts/postgres $1"
    (cd -P "$dir" && pwd)
}

# pgxs_test MAJOR NAME: a test program that comes with the server headers, such as regress/pg_regress
pgxs_test() { echo "$(dirname "$("$(pg_bin "$1")/pg_config" --pgxs)")/../test/$2"; }

log_dir() { echo "$ROOT/target/log"; }

# pgrx_home TREE: a PGRX_HOME that knows this Postgres only. cargo rebuilds pgrx when the file is rewritten, so it is
# written on change only.
pgrx_home() {
    local home=$ROOT/target/pgrx-home/$1 text
    text=$(printf '[configs]\npg%s = "%s/pg_config"' "${1%%-*}" "$(pg_bin "$1")")
    mkdir -p "$home"
    [ "$(cat "$home/config.toml" 2>/dev/null)" = "$text" ] || printf '%s\n' "$text" >"$home/config.toml"
    echo "$home"
}

# pgrx_version: the version Cargo.toml pins, without its "="
pgrx_version() { sed -n 's/^pgrx = .*"=\([0-9.]*\)".*/\1/p' "$ROOT/Cargo.toml" | head -n 1; }

cargo_pgrx_dir() { echo "$(cache_dir)/cargo-pgrx-$(pgrx_version)"; }

# ---- tools ------------------------------------------------------------------------------------------------------

have() { command -v "$1" >/dev/null 2>&1; }

# apt_install PACKAGE...: with sudo when not root. Starts no service, and never creates a Postgres cluster.
apt_install() {
    local sudo=
    have apt-get || die "missing: $*; there is no apt-get here, install their equivalents by hand"
    if ! is_root; then
        have sudo || die "missing packages; as root: apt-get install -y --no-install-recommends $*"
        sudo=sudo
    fi
    say "installing $* (apt)"
    apt_update
    # shellcheck disable=SC2086 # no sudo means no word
    logged "$(log_dir)/apt-install.log" $sudo env DEBIAN_FRONTEND=noninteractive SYSTEMD_OFFLINE=1 RUNLEVEL=1 \
        apt-get install -y --no-install-recommends "$@" || die "apt could not install: $*"
}

# apt_update: refreshes the package lists once per run
apt_update() {
    [ -z "${UNKEY_APT_UPDATED:-}" ] || return 0
    local sudo=
    is_root || sudo=sudo
    # shellcheck disable=SC2086
    logged "$(log_dir)/apt-update.log" $sudo apt-get update || die "apt-get update failed"
    export UNKEY_APT_UPDATED=1
}

# apt_candidate PACKAGE: whether apt knows a version of it
apt_candidate() { have apt-cache && [[ $(apt-cache policy "$1" 2>/dev/null) == *"Candidate: "[0-9]* ]]; }

# cargo as rustup leaves it, even if the shell's profile has not been read
have cargo || PATH=$PATH:${CARGO_HOME:-$HOME/.cargo}/bin
