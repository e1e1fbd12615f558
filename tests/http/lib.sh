# shellcheck shell=bash
# Shared by the HTTP suites; sourced, never run. Whoever sources it has sourced scripts/lib.sh.

# free_port: a loopback port that nobody listens on
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# start_http LOG [FLAG...]: starts the server ($program, by default the one built for tests) on a free port with the
# environment as it is; sets $http_pid and $UNKEY_URL
start_http() {
    local log=$1 port waited=0
    shift
    port=$(free_port)
    : >"$log"
    "${program:-$ROOT/target/debug/unkey-http}" --listen "127.0.0.1:$port" "$@" >"$log" 2>&1 &
    http_pid=$!
    UNKEY_URL=http://127.0.0.1:$port
    export UNKEY_URL
    until grep -q "listens on $UNKEY_URL" "$log"; do
        kill -0 "$http_pid" 2>/dev/null || {
            cat "$log" >&2
            die "the server did not start"
        }
        waited=$((waited + 1))
        [ "$waited" -lt 200 ] || die "the server does not listen"
        sleep 0.05
    done
}

# stop_http: ends it as an operator would; fails unless it finishes cleanly
stop_http() {
    [ -n "${http_pid:-}" ] || return 0
    local pid=$http_pid
    http_pid=
    kill "$pid"
    wait "$pid"
}

# locked DIR: what changes when the packages of DIR do
locked() { { cat "$1/package-lock.json" "$1/requirements.txt" 2>/dev/null || true; } | sha256sum | cut -c 1-16; }

# node_modules DIR: installs what DIR/package-lock.json names, once, and links it as DIR/node_modules
node_modules() {
    local kept
    have npm || apt_install nodejs npm
    kept=$(cache_dir)/npm/$(locked "$1")
    if [ ! -f "$kept/done" ]; then
        say "installing the npm packages of ${1#"$ROOT"/} (once)"
        rm -rf "$kept"
        mkdir -p "$kept"
        cp "$1/package.json" "$1/package-lock.json" "$kept/"
        [ ! -f "$1/.npmrc" ] || cp "$1/.npmrc" "$kept/"
        (cd "$kept" && logged "$(log_dir)/npm.log" npm ci --no-audit --no-fund --ignore-scripts) || die "npm ci failed in $1"
        touch "$kept/done"
    fi
    rm -rf "$1/node_modules"
    ln -s "$kept/node_modules" "$1/node_modules"
}

# python_env DIR: makes a virtual environment with DIR/requirements.txt, once, and prints its python
python_env() {
    local kept
    python3 -c 'import ensurepip, venv' 2>/dev/null || apt_install python3 python3-venv >&2
    kept=$(cache_dir)/venv/$(locked "$1")
    if [ ! -f "$kept/done" ]; then
        say "installing the Python packages of ${1#"$ROOT"/} (once)" >&2
        rm -rf "$kept"
        python3 -m venv "$kept"
        logged "$(log_dir)/pip.log" "$kept/bin/pip" install --quiet --disable-pip-version-check \
            --requirement "$1/requirements.txt" >&2 || die "pip failed on $1/requirements.txt"
        touch "$kept/done"
    fi
    echo "$kept/bin/python"
}
