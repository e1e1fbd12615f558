"""Clients that get keys in every way there is, and use them in every way there is. They send a key as a parameter only, never
as part of a statement. What they were given is written to KEYS, a text a line; what they were told of (errors, activity,
statistics) to SEEN. The database is that of PGHOST and friends."""

import json
import os
import sys
import threading

import psycopg

# What Postgres itself writes down of parameters is up to who sends them: docs/security.md.
UNLOGGED = "-c log_parameter_max_length=0 -c log_parameter_max_length_on_error=0"
# Whatever can be logged of statements that carry no key.
EVERYTHING = ("-c log_parameter_max_length=-1 -c log_parameter_max_length_on_error=-1 -c log_error_verbosity=verbose"
              " -c debug_print_parse=on -c debug_print_rewritten=on -c debug_print_plan=on -c auto_explain.log_verbose=on")


class Session:
    """A connection that keeps what it is told."""

    def __init__(self, options, seen, **how):
        self.connection = psycopg.connect(dbname="secrets", options=options, autocommit=True, **how)
        self.connection.add_notice_handler(lambda notice: self.saw(notice))
        self.seen = seen

    def saw(self, diagnostic):
        fields = [name for name in dir(diagnostic) if not name.startswith("_")]
        print(*(getattr(diagnostic, name) for name in fields), sep="\n", file=self.seen, flush=True)

    def __call__(self, statement, *parameters, prepare=None):
        """Rows, or the SQLSTATE of the error."""
        try:
            cursor = self.connection.execute(statement, parameters, prepare=prepare)
            return cursor.fetchall() if cursor.description else []
        except psycopg.Error as error:
            self.saw(error.diag)
            return error.sqlstate


class Keyring:
    """The texts that clients were given."""

    def __init__(self, path):
        self.file = open(path, "w")

    def add(self, rows):
        """Keeps the last column of the rows, which must be a key."""
        texts = [row[-1] for row in rows]
        assert texts and all(len(text) >= 16 for text in texts), rows
        print(*texts, sep="\n", file=self.file, flush=True)
        return texts

    def add_reply(self, rows):
        """The key in the data of a v2 reply."""
        (status, _, body), = rows
        assert status == 200, body
        return self.add([(json.loads(body)["data"].get("key") or json.loads(body)["data"]["plaintext"],)])[0]


def make(sql, ring):
    """Keys that are never sent back: by SQL functions, under the session's eye that sees most."""
    api = sql("SELECT unkey_create_api('made', store_encrypted_keys => true)")[0][0]
    create = "SELECT * FROM unkey_create_key(%s"
    for more in ["", ", prefix => 'live'", ", byte_length => 255", ", recoverable => true", ", credits => 3, meta => '{\"a\": 1}'",
                 ", external_id => 'owner', permissions => '{a.b}', name => 'named'", ", enabled => false"]:
        for _ in range(8):
            ring.add(sql(f"{create}{more})", api))
    ring.add(sql("SELECT made.* FROM generate_series(1, 500) AS n, unkey_create_key(%s, name => 'n' || n) AS made ORDER BY made.key", api))
    ring.add(sql("SELECT (unkey_create_key(%s, recoverable => true)).key", api))
    ids = [row[0] for row in sql("SELECT id FROM unkey.keys WHERE id NOT IN (SELECT key_id FROM unkey.encrypted_keys) LIMIT 5")]
    for key_id in ids:
        ring.add(sql("SELECT * FROM unkey_reroll_key(%s, '1 hour')", key_id))
    ring.add(sql("SELECT * FROM unkey_create_key(unkey_create_api('checked', 'ck', key_format => 'checksum'))"))
    stored = [row[0] for row in sql("SELECT key_id FROM unkey.encrypted_keys")]
    for key_id in stored:
        ring.add(sql("SELECT unkey_decrypt_key(%s)", key_id))
    ring.add(sql("SELECT * FROM unkey_reroll_key(%s)", stored[0]))
    sql("SELECT unkey_reencrypt_keys(texts => true)")
    root_id, root = sql("SELECT * FROM unkey_create_root_key('root', '{*}')")[0]
    ring.add([(root,)])
    ring.add(sql("SELECT * FROM unkey_reroll_root_key(%s)", root_id))
    made_in_vain(sql, ring, api)
    sql("SELECT unkey_delete_key(%s, permanent => true)", ids[0])
    sql("SELECT unkey_get_key(%s)", ids[1])
    return api


def made_in_vain(sql, ring, api):
    """Keys of transactions that fail after the client was given the text."""
    with sql.connection.transaction(force_rollback=True):
        ring.add(sql("SELECT * FROM unkey_create_key(%s)", api))
    sql("BEGIN")
    ring.add(sql("SELECT * FROM unkey_create_key(%s, recoverable => true)", api))
    assert sql("SELECT 1/0") == "22012"
    sql("ROLLBACK")
    sql("DO $$ BEGIN PERFORM unkey_create_key(id) FROM unkey.apis; RAISE 'in vain'; END $$")


def use(sql, ring, api):
    """Keys as parameters: found, refused, unknown, where something else belongs, and in calls that fail."""
    root_id, root = sql("SELECT * FROM unkey_create_root_key('used', '{*}')")[0]
    key_id, key = sql("SELECT * FROM unkey_create_key(%s, prefix => 'used', recoverable => true, credits => 50)", api)[0]
    other = sql("SELECT * FROM unkey_create_key(%s, ratelimits => '[{\"name\": \"r\", \"limit\": 1, \"duration\": 60000, \"autoApply\": true}]')", api)[0][1]
    dead_id, dead = sql("SELECT * FROM unkey_create_key(%s, prefix => 'dead')", api)[0]
    sql("SELECT unkey_delete_key(%s)", dead_id)
    disabled = sql("SELECT * FROM unkey_create_key(%s, enabled => false)", api)[0][1]
    unknown = "stranger_8Kq2mVn4TzRw7YpXc3Jh5L"
    ring.add([[text] for text in (root, key, other, dead, disabled, unknown)])
    for text in (key, other, dead, disabled, unknown, root):
        verify(sql, text, prepare=True)
        verify(sql, text, prepare=False)
        mistake(sql, text)
    sql("SELECT * FROM unkey_verify_keys(%s)", [key, other, None, dead])
    v2(sql, ring, api, root, key_id, [key, other, dead, disabled, unknown])
    finish_migration(sql, ring, api)
    sql("SELECT count(*) FROM unkey.maintain()")
    sql("SELECT * FROM unkey_verify_audit_log()")
    return key


def verify(sql, text, prepare):
    arguments = ["", ", permissions => 'a.b'", ", permissions => 'a AND ('", ", cost => -1", ", cost => 1000", ", ip => '10.1.2.3'",
                 ", tags => '{t}'", ", ratelimits => '[{\"name\": \"x\"}]'", ", ratelimits => '[5]'", ", api_id => 'api_nobody'",
                 ", migration_id => 'pak'"]
    for more in arguments:
        sql(f"SELECT * FROM unkey_verify_key(%s{more})", text, prepare=prepare)
    sql("SELECT unkey_verify_key(%s)", text, prepare=prepare)
    with sql.connection.transaction():
        sql("SELECT * FROM unkey_authenticate(%s)", text, prepare=prepare)
        sql("SELECT unkey_key_id(), unkey_external_id(), unkey_can('a.b')")
    request(sql, text, prepare)
    sql("SELECT * FROM unkey_whoami(%s)", text, prepare=prepare)
    sql("SELECT * FROM unkey_explain(%s, permissions => 'a.b')", text, prepare=prepare)
    sql("SELECT * FROM unkey.authenticate('Bearer ' || %s)", text, prepare=prepare)
    sql("SELECT 1 / (CASE code WHEN 'no code' THEN 1 ELSE 0 END) FROM unkey_verify_key(%s)", text, prepare=prepare)


def request(sql, text, prepare):
    """As PostgREST brings it, in each header, once where it is no JSON."""
    for headers in ({"apikey": text}, {"authorization": f"Bearer {text}"}, {"apikey": "a.b.c", "x-key": text}, [text], {"x-forwarded-for": text}):
        for call in ("unkey_pre_request()", "unkey_authenticate_request(header => 'x-key')", "unkey_authenticate_request(ratelimits => '[5]')"):
            with sql.connection.transaction(force_rollback=True):
                sql("SELECT set_config('request.headers', %s, true)", json.dumps(headers), prepare=prepare)
                sql(f"SELECT {call}", prepare=prepare)


def mistake(sql, text):
    """The text where an id, a name or a document belongs: the message must not repeat it, whom- and wherever it is shown."""
    for call in ["unkey_get_key(%s)", "unkey_explain(key_id => %s)", "unkey_explain('x', ratelimits => to_jsonb(%s::text))", "unkey_update_key(%s, '{}')", "unkey_delete_key(%s)", "unkey_reroll_key(%s)", "unkey_decrypt_key(%s)",
                 "unkey_update_credits(%s, 'set', 1)", "unkey_add_permissions(%s, '{a}')", "unkey_get_api(%s)", "unkey_create_key(%s)",
                 "unkey_get_root_key(%s)", "unkey_delete_root_key(%s)", "unkey_get_identity(%s)", "unkey_get_role(%s)", "unkey_get_permission(%s)",
                 "unkey_list_keys('x', cursor => %s)", "unkey.authenticate(%s)", "unkey.authenticate('Basic ' || %s)",
                 "unkey_verify_key('x', ratelimits => to_jsonb(%s::text))", "unkey_migrate_keys('x', jsonb_build_array(%s::text))",
                 "unkey_update_key('x', jsonb_build_object(%s::text, 1))", "unkey_update_key('x', to_jsonb(%s::text))",
                 "unkey_update_key('x', jsonb_build_object('credits', %s::text))", "unkey_verify_key('x', permissions => %s || ' AND (')",
                 "unkey_api(%s, NULL, NULL)", "unkey_get_verifications(%s)"]:
        sql(f"SELECT {call}", text)


def v2(sql, ring, api, root, key_id, texts):
    def call(operation, body, header="Bearer " + root):
        return sql("SELECT * FROM unkey_api(%s, %s, %s)", operation, header, body if isinstance(body, str) else json.dumps(body))

    rerolled = ring.add_reply(call("keys.createKey", {"apiId": api}))
    ring.add_reply(call("keys.createKey", {"apiId": api, "recoverable": True, "prefix": "v2"}))
    ring.add_reply(call("keys.rerollKey", {"keyId": key_id, "expiration": 60000}))
    ring.add_reply(call("keys.getKey", {"keyId": key_id, "decrypt": True}))
    for text in [*texts, rerolled]:
        for body in ({"key": text}, {"key": text, "nonsense": text}, {"key": [text]}, {"key": text, "credits": text}, {text: text}, text, '{"key": "' + text):
            for operation in ("keys.verifyKey", "keys.whoami"):
                call(operation, body)
                call(operation, body, text)
                call(operation, body, "Bearer " + text)
        for body in ({"keyId": text}, {"keyId": text, "expiration": 0}):
            for operation in ("keys.getKey", "keys.deleteKey", "keys.rerollKey", "keys.updateKey"):
                call(operation, body)
        call(text, {})
    bodies = [json.dumps({"key": text}) for text in texts] + texts
    headers = ["Bearer " + root] * len(texts) + ["Bearer " + text for text in texts]
    sql("SELECT * FROM unkey_api_verify_keys(%s, %s)", headers, bodies)


def finish_migration(sql, ring, api):
    """A key known by the hash of its last part, until its whole text is seen."""
    text = "pak_8aBcDeFg_QrStUvWxYz3456789AbCd"
    ring.add([[text]])
    sql("""SELECT unkey_migrate_keys(%s, jsonb_build_array(jsonb_build_object('hash', encode(sha256(split_part(%s, '_', 3)::bytea), 'hex'))),
        'pak', 'github.com/seamapi/prefixed-api-key')""", api, text)
    found = sql("SELECT code FROM unkey_verify_key(%s, migration_id => 'pak')", text)
    assert found == [("VALID",)], found


def cut_off(sql, seen, key):
    """Calls that wait for the key's balance and are ended meanwhile: by a timeout, another session, a deadlock's victim is alike."""
    other = Session(UNLOGGED, seen)
    other("BEGIN")
    other("SELECT FROM unkey.credits FOR UPDATE")
    sql("SET statement_timeout = '200ms'")
    assert sql("SELECT * FROM unkey_verify_key(%s)", key) == "57014"
    sql("SET statement_timeout = 0")
    sql("SET lock_timeout = '200ms'")
    assert sql("SELECT * FROM unkey_verify_keys(%s)", [key, key]) == "55P03"
    sql("SET lock_timeout = 0")
    pid = sql.connection.info.backend_pid
    ending = threading.Timer(1, other, ["SELECT pg_terminate_backend(%s)", pid])
    ending.start()
    sql("SELECT * FROM unkey_verify_key(%s)", key)
    ending.join()
    assert sql.connection.closed
    other("ROLLBACK")


def watch(seen, until):
    """Writes down what the views of the server show, again and again."""
    sql = Session(UNLOGGED, seen)
    while not until.wait(0.05):
        for view in ("pg_stat_activity", "pg_prepared_statements", "pg_locks", "unkey.stats", "unkey.metrics"):
            print(*sql(f"SELECT t::text FROM {view} AS t"), sep="\n", file=seen)


def main(keys, seen_path):
    with open(seen_path, "w") as seen:
        Session("", seen)("CREATE EXTENSION IF NOT EXISTS unkey")
        done = threading.Event()
        watcher = threading.Thread(target=watch, args=(seen, done))
        watcher.start()
        try:
            ring = Keyring(keys)
            api = make(Session(EVERYTHING, seen), ring)
            using = Session(UNLOGGED, seen)
            cut_off(using, seen, use(using, ring, api))
        finally:
            done.set()
            watcher.join()


main(*sys.argv[1:])
