"""The cluster that tests/http/operability/run started, as its superuser, and what the tests need in it."""

import json
import os
import signal
import subprocess

from server import PATIENCE, ROOT, wait_for

# As the role that deploy/database.sql makes for the server.
URL = f"host={os.environ['PGHOST']} port={os.environ['PORT']} user=unkey_http dbname=unkey"


def query(sql):
    """What a statement answers, as text: rows as lines, columns separated by |."""
    return subprocess.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", sql], check=True, capture_output=True,
                          text=True, timeout=PATIENCE).stdout.strip()


def stop():
    subprocess.run([ROOT / "scripts/cluster", "stop", os.environ["CLUSTER"]], check=True, timeout=PATIENCE)


def start():
    subprocess.run([ROOT / "scripts/cluster", "start", *os.environ["CLUSTER_START"].split()], check=True, timeout=PATIENCE)


def crash():
    """Kills one backend of the server's role, whereupon Postgres ends all others and recovers."""
    # Of those that run statements, so that something is cut off.
    pid = wait_for(lambda: query("SELECT pid FROM pg_stat_activity WHERE usename = 'unkey_http' AND state <> 'idle' LIMIT 1"),
                   "a statement to cut off")
    os.kill(int(pid), signal.SIGKILL)
    wait_for(lambda: has_forgotten(pid), "the database to recover")


def has_forgotten(pid):
    """Whether the database answers and knows nothing of this session; of one that was killed it does until it has recovered."""
    try:
        return query(f"SELECT count(*) FROM pg_stat_activity WHERE pid = {pid}") == "0"
    except subprocess.CalledProcessError:
        return False


def waiting():
    """How many statements of the server wait for a lock."""
    return int(query("SELECT count(*) FROM pg_stat_activity WHERE usename = 'unkey_http' AND wait_event_type = 'Lock'"))


class Lock:
    """Holds what a statement locks for as long as it is entered."""

    def __init__(self, statement):
        self.statement = statement

    def __enter__(self):
        self.session = subprocess.Popen(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.session.stdin.write(f"BEGIN; {self.statement}; SELECT 'locked' AS held;\n")
        self.session.stdin.flush()
        for line in self.session.stdout:
            if line == "locked\n":
                return self
        raise AssertionError(f"could not lock: {self.statement}")

    def __exit__(self, *_):
        self.session.communicate("ROLLBACK;\n", timeout=PATIENCE)


def root_key():
    return query("SELECT key FROM unkey_create_root_key('operability', '{*}')")


def create_api(name="operability", patch=None):
    api = query(f"SELECT unkey_create_api('{name}')")
    if patch:
        query(f"SELECT unkey_update_api('{api}', '{json.dumps(patch)}')")
    return api


def create_key(api, arguments="credits => NULL"):
    key_id, key = query(f"SELECT key_id, key FROM unkey_create_key('{api}', {arguments})").split("|")
    return key_id, key
