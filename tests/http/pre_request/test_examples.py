"""examples/postgrest and examples/rest: what they set up works, and a server that does as they say serves it."""

import os
import re
import signal
import socket
import subprocess
from pathlib import Path

import httpx
import pytest
from conftest import refused, soon, sql

EXAMPLES = Path(__file__).parents[3] / "examples"
# Those of PostgREST's configuration that this one may want.
OPTIONS = {"db-uri", "db-schemas", "db-anon-role", "db-pre-request", "db-extra-search-path", "jwt-secret", "server-host", "server-port"}


def in_database(name, *arguments):
    command = ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", os.environ["DATABASE_URL"].replace("dbname=requests", f"dbname={name}")]
    environment = os.environ | {"PGOPTIONS": "-c client_min_messages=warning"}
    done = subprocess.run(command + list(arguments), capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def app():
    """The address of examples/rest in front of what examples/postgrest sets up, with a limit that can be reached."""
    sql("CREATE DATABASE app")
    in_database("app", "-f", str(EXAMPLES / "postgrest/setup.sql"))
    limits = '[{"name": "{method} {path}", "limit": 3, "duration": 4000000000000}]'
    in_database("app", "-c", f"ALTER ROLE authenticator SET unkey.request_ratelimits = '{limits}'")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {"DATABASE_URL": os.environ["DATABASE_URL"].replace("user=postgres dbname=requests", "user=authenticator dbname=app")}
    command = [os.environ["EXAMPLE_PYTHON"], "-m", "uvicorn", "app:app", "--port", str(port), "--log-level", "warning"]
    process = subprocess.Popen(command, cwd=EXAMPLES / "rest", env=environment)
    url = f"http://127.0.0.1:{port}/rest/v1/"
    try:
        assert soon(lambda: process.poll() is not None or answers(url)) and process.poll() is None
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def answers(url):
    try:
        return httpx.get(url + "notes").status_code == 401
    except httpx.TransportError:
        return False


@pytest.fixture
def key(app):
    """Makes a key of the app for a customer who has a note already."""
    api = in_database("app", "-c", "SELECT extensions.unkey_create_api('app')")
    in_database("app", "-c", "INSERT INTO api.notes (customer, note) SELECT name, 'of ' || name FROM unnest('{acme,globex}'::text[]) AS name")
    return lambda more: in_database("app", "-c", f"SELECT key FROM extensions.unkey_create_key('{api}', external_id => {more})")


def test_rows_are_those_of_the_caller(app, key):
    for customer in ("acme", "globex"):
        response = httpx.get(app + "notes", headers={"apikey": key(f"'{customer}'")})
        assert response.status_code == 200
        assert {row["customer"] for row in response.json()} == {customer}
        assert response.headers["ratelimit"].startswith('"GET /notes";r=2;t=')


def test_refusals(app, key):
    assert httpx.get(app + "notes").headers["www-authenticate"] == "Bearer"
    refused(httpx.get(app + "notes", headers={"apikey": "nobody_knows_this_key"}), 401, "NOT_FOUND")
    good = {"Authorization": "Bearer " + key("'acme'")}
    refused(httpx.get(app + "nothing", headers=good), 404, "42P01")
    codes = [httpx.get(app + "notes", headers=good).status_code for _ in range(4)]
    assert codes == [200, 200, 200, 429]
    assert re.fullmatch(r"\d+", httpx.get(app + "notes", headers=good).headers["retry-after"])


def test_writing_is_paid_and_needs_a_permission(app, key):
    def write(text):
        request = f"""BEGIN; SELECT set_config('request.headers', '{{"apikey": "{text}"}}', true), set_config('request.path', '/notes', true),
            set_config('role', 'web_anon', true); SELECT extensions.unkey_pre_request();
            INSERT INTO api.notes (note) VALUES ('written'); COMMIT"""
        environment = os.environ | {"PGUSER": "authenticator", "PGDATABASE": "app"}
        return subprocess.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-v", "VERBOSITY=sqlstate", "-c", request], capture_output=True, text=True, env=environment)

    paid = key("'acme', permissions => '{notes.write}', credits => 2")
    assert write(paid).returncode == 0
    assert in_database("app", "-c", f"SELECT credits FROM extensions.unkey_whoami('{paid}')") == "1"
    assert "42501" in write(key("'acme'")).stderr


def test_the_configuration_has_options_that_there_are():
    text = (EXAMPLES / "postgrest/postgrest.conf").read_text()
    options = dict(line.split(" = ", 1) for line in text.splitlines() if line and not line.startswith("#"))
    assert set(options) <= OPTIONS
    schema, function = options["db-pre-request"].strip('"').split(".")
    sql_text = (EXAMPLES / "postgrest/setup.sql").read_text()
    assert f"CREATE EXTENSION unkey SCHEMA {schema}" in sql_text and function == "unkey_pre_request"
    assert f"CREATE SCHEMA {options['db-schemas'].strip(chr(34))};" in sql_text


def test_supabase():
    sql("CREATE DATABASE supabase")
    roles = "CREATE ROLE anon; CREATE ROLE authenticated; CREATE ROLE service_role; CREATE SCHEMA extensions;"
    in_database("supabase", "-c", roles + "DO $$ BEGIN CREATE ROLE authenticator LOGIN; EXCEPTION WHEN duplicate_object THEN END $$")
    in_database("supabase", "-f", str(EXAMPLES / "postgrest/supabase.sql"))
    configured = in_database("supabase", "-c", "SELECT unnest(rolconfig) FROM pg_roles WHERE rolname = 'authenticator'")
    assert "pgrst.db_pre_request=extensions.pre_request" in configured.splitlines()
    key = in_database("supabase", "-c", "SELECT key FROM extensions.unkey_create_key(extensions.unkey_create_api('supabase'), external_id => 'acme')")

    def request(role, headers):
        statement = f"""BEGIN; SELECT set_config('request.jwt.claims', '{{"role": "{role}"}}', true), set_config('request.headers', '{headers}', true),
            set_config('role', '{role}', true), extensions.pre_request(); SELECT extensions.unkey_external_id(); COMMIT"""
        environment = os.environ | {"PGDATABASE": "supabase", "PGOPTIONS": "-c unkey.request_header=x-api-key"}
        return subprocess.run(["psql", "-XAtq", "-v", "VERBOSITY=sqlstate", "-c", statement], capture_output=True, text=True, env=environment)

    assert request("anon", f'{{"x-api-key": "{key}"}}').stdout.split()[-1] == "acme"
    assert "PGRST" in request("anon", '{"apikey": "token"}').stderr
    for role in ("authenticated", "service_role"):
        assert request(role, "{}").stderr == ""
