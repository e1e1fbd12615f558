"""How long the database takes to answer, by what was asked. One client, calls of all kinds in turn and each turn in another order, so that
whatever else the machine does meets all alike. Prints a table for docs/security.md. The database is that of PGHOST and friends."""

import hashlib
import random
import statistics
import sys
import time

import psycopg

ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
OTHERS = 100_000


def stranger():
    return "live_" + "".join(random.choices(ALPHABET, k=22))


def of_like_hash(text):
    """A text that no key has, with the first two bytes of this one's hash."""
    begin = hashlib.sha256(text.encode()).digest()[:2]
    return next(other for other in iter(stranger, "") if hashlib.sha256(other.encode()).digest()[:2] == begin)


def prepare(sql):
    sql.execute("CREATE EXTENSION unkey")
    api = sql.execute("SELECT unkey_create_api('timed', default_prefix => 'live')").fetchone()[0]
    sql.execute("SELECT count(unkey_create_key(%s)) FROM generate_series(1, %s)", [api, OTHERS])
    valid, off, gone = (sql.execute("SELECT key_id, key FROM unkey_create_key(%s)", [api]).fetchone() for _ in range(3))
    sql.execute("SELECT unkey_update_key(%s, '{\"enabled\": false}')", [off[0]])
    sql.execute("SELECT unkey_delete_key(%s)", [gone[0]])
    near = valid[1][:-1] + ("2" if valid[1][-1] != "2" else "3")
    return {
        "valid": (valid[1], "VALID"),
        "disabled": (off[1], "DISABLED"),
        "deleted": (gone[1], "NOT_FOUND"),
        "unknown": (stranger(), "NOT_FOUND"),
        "unknown, but for the last character a valid key": (near, "NOT_FOUND"),
        "unknown, hash begins as a valid key's (2 bytes)": (of_like_hash(valid[1]), "NOT_FOUND"),
        "malformed (no text)": ("", "NOT_FOUND"),
        "malformed (600 characters)": ("x" * 600, "NOT_FOUND"),
    }


def measure(sql, cases, turns):
    taken = {name: [] for name in cases}
    order = list(cases)
    for _ in range(turns):
        random.shuffle(order)
        for name in order:
            text, expected = cases[name]
            begin = time.perf_counter_ns()
            code = sql.execute("SELECT code FROM unkey_verify_key(%s)", [text], prepare=True).fetchone()[0]
            taken[name].append((time.perf_counter_ns() - begin) / 1000)
            assert code == expected, (name, code)
    return taken


def main(turns):
    with psycopg.connect(dbname="timing", autocommit=True) as sql:
        cases = prepare(sql)
        columns = []
        for cache in ("8MB", "0"):
            sql.execute(f"SET unkey.cache_size = '{cache}'")
            measure(sql, cases, 500)
            columns.append(measure(sql, cases, turns))
    print("| key | known to the session: median | p95 | read each time: median | p95 |\n|---|---|---|---|---|")
    for name in cases:
        cells = [f"{value:.0f}" for taken in columns for value in (statistics.median(taken[name]), statistics.quantiles(taken[name], n=20)[18])]
        print(f"| {name} | {' | '.join(cells)} |")


main(int(sys.argv[1]))
