"""Every public function through the official client: once as it is meant, and once wrongly."""

import base64
import hashlib

import pytest
from conftest import URL, sql, token
from postgrest import SyncPostgrestClient
from postgrest.exceptions import APIError

called, refused = set(), set()


@pytest.fixture(scope="module")
def call(client):
    def call(function, get=False, **arguments):
        called.add(function)
        return client.rpc(function, arguments, get=get).execute().data

    return call


@pytest.fixture(scope="module")
def fails(client):
    def fails(function, code, get=False, **arguments):
        refused.add(function)
        with pytest.raises(APIError) as caught:
            client.rpc(function, arguments, get=get).execute()
        assert caught.value.code == code, caught.value.message
        return caught.value.message

    return fails


def test_apis(call, fails):
    api_id = call("unkey_create_api", name="every", default_prefix="ev", ip_allowlist=["10.0.0.0/8"], key_format="checksum")
    assert call("unkey_get_api", get=True, api_id=api_id)["default_prefix"] == "ev"
    assert call("unkey_update_api", api_id=api_id, patch={"name": "renamed"}) == []
    assert call("unkey_get_api", api_id=api_id)["name"] == "renamed"
    assert api_id in [row["api_id"] for row in call("unkey_list_apis", get=True, limit=100)]
    call("unkey_delete_api", api_id=api_id)
    fails("unkey_create_api", "22023", name="1")
    fails("unkey_get_api", "42704", api_id=api_id)
    fails("unkey_update_api", "42704", api_id=api_id, patch={})
    fails("unkey_list_apis", "22023", limit=0)
    fails("unkey_delete_api", "42704", api_id=api_id)


def test_keys(call, fails, api):
    made = call("unkey_create_key", api_id=api, prefix="ev", credits=10, external_id="every",
                ratelimits=[{"name": "requests", "limit": 100, "duration": 60000, "autoApply": True}])
    key_id, key = made["key_id"], made["key"]
    assert key.startswith("ev_")
    verdict = call("unkey_verify_key", key=key, cost=3)
    assert (verdict["code"], verdict["credits"], verdict["ratelimits"][0]["remaining"]) == ("VALID", 7, 99)
    assert [row["code"] for row in call("unkey_verify_keys", keys=[key, "none"])] == ["VALID", "NOT_FOUND"]
    assert call("unkey_get_key", get=True, key_id=key_id)["credits"] == 6
    assert call("unkey_whoami", key=key)["key_id"] == key_id
    explained = call("unkey_explain", get=True, key_id=key_id, cost=8)
    assert [(row["step"], row["code"]) for row in explained if row["result"] == "refused"] == [
        ("credits", "USAGE_EXCEEDED"), ("verdict", "USAGE_EXCEEDED")]
    assert [row["position"] for row in explained] == list(range(1, len(explained) + 1))
    assert [row["step"] for row in call("unkey_explain", key="none")] == ["found", "verdict"]
    assert [row["key_id"] for row in call("unkey_list_keys", get=True, api_id=api, external_id="every")] == [key_id]
    call("unkey_update_key", key_id=key_id, patch={"name": "named", "credits": None})
    assert call("unkey_get_key", key_id=key_id)["name"] == "named"
    assert call("unkey_update_credits", key_id=key_id, operation="set", value=50) == 50
    assert call("unkey_decrypt_key", key_id=key_id) is None
    again = call("unkey_reroll_key", key_id=key_id, grace="1 hour")
    assert again["key"] != key
    call("unkey_delete_key", key_id=key_id, permanent=True)
    fails("unkey_create_key", "42704", api_id="api_none")
    fails("unkey_verify_key", "22023", key=again["key"], cost=-1)
    fails("unkey_verify_keys", "22004", keys=None)
    fails("unkey_whoami", "42704", key="nobody_knows_this")
    fails("unkey_explain", "22004", cost=1)
    fails("unkey_list_keys", "42704", api_id="api_none")
    fails("unkey_update_credits", "22023", key_id=again["key_id"], operation="double", value=1)
    for function in ("get", "delete", "decrypt", "reroll"):
        fails(f"unkey_{function}_key", "42704", key_id=key_id)
    fails("unkey_update_key", "42704", key_id=key_id, patch={})


def test_imported_keys(call, fails, api):
    digest = base64.b64encode(hashlib.sha256(b"ev_old_key").digest()).decode()
    done = call("unkey_migrate_keys", api_id=api, keys=[{"hash": digest}], migration_id="every")
    assert (len(done["migrated"]), done["failed"]) == (1, [])
    assert call("unkey_verify_key", key="ev_old_key")["valid"]
    fails("unkey_migrate_keys", "22023", api_id=api, keys="none")


def test_recoverable_keys(call, fails):
    api_id = call("unkey_create_api", name="every", store_encrypted_keys=True)
    made = call("unkey_create_key", api_id=api_id, recoverable=True)
    assert call("unkey_decrypt_key", key_id=made["key_id"]) == made["key"]
    assert call("unkey_reencrypt_keys") == 0
    fails("unkey_reencrypt_keys", "22P02", texts="perhaps")


def test_leaked_keys(call, fails, api):
    made = call("unkey_create_key", api_id=api, prefix="ev")
    leaks = call("unkey_scan", content=f"API_KEY={made['key']}\n")
    assert [(leak["key_id"], leak["position"]) for leak in leaks] == [(made["key_id"], 9)]
    assert "(ev_" in call("unkey_scanner_rules", get=True, tool="gitleaks")
    fails("unkey_scan", "22P05", content="\0")
    fails("unkey_scanner_rules", "22023", tool="eyes")


def test_permissions_and_roles(call, fails, api):
    key_id = call("unkey_create_key", api_id=api)["key_id"]
    permission = call("unkey_create_permission", slug="every.read", description="Reads.")
    assert call("unkey_get_permission", get=True, permission="every.read")["id"] == permission
    call("unkey_update_permission", permission=permission, patch={"name": "Reading"})
    assert call("unkey_list_permissions", get=True, search="every.read")[0]["name"] == "Reading"
    slugs = lambda rows: [row["slug"] for row in rows]
    assert slugs(call("unkey_add_permissions", key_id=key_id, permissions=["every.read", "every.write"])) == ["every.read", "every.write"]
    assert slugs(call("unkey_remove_permissions", key_id=key_id, permissions=["every.read"])) == ["every.write"]
    assert slugs(call("unkey_set_permissions", key_id=key_id, permissions=["every.read"])) == ["every.read"]
    role = call("unkey_create_role", name="every", permissions=["every.read"])
    assert call("unkey_get_role", get=True, role="every")["id"] == role
    call("unkey_update_role", role=role, patch={"description": "All."})
    assert "every" in [row["name"] for row in call("unkey_list_roles", get=True)]
    assert slugs(call("unkey_set_role_permissions", role="every", permissions=["every.write"])) == ["every.write"]
    names = lambda rows: [row["name"] for row in rows]
    assert names(call("unkey_add_roles", key_id=key_id, roles=["every"])) == ["every"]
    assert names(call("unkey_remove_roles", key_id=key_id, roles=["every"])) == []
    assert names(call("unkey_set_roles", key_id=key_id, roles=["every"])) == ["every"]
    fails("unkey_create_permission", "23505", slug="every.read")
    fails("unkey_create_role", "23505", name="every")
    for function in ("add", "remove", "set"):
        fails(f"unkey_{function}_permissions", "42704", key_id="key_none", permissions=["a.b"])
        fails(f"unkey_{function}_roles", "42704", key_id="key_none", roles=["every"])
    fails("unkey_set_role_permissions", "42704", role="none_of_this", permissions=[])
    call("unkey_delete_role", role="every")
    call("unkey_delete_permission", permission="every.read")
    for kind, name in (("role", "every"), ("permission", "every.read")):
        fails(f"unkey_get_{kind}", "42704", **{kind: name})
        fails(f"unkey_delete_{kind}", "42704", **{kind: name})
        fails(f"unkey_update_{kind}", "42704", **{kind: name, "patch": {}})
        fails(f"unkey_list_{kind}s", "22023", limit=1000)


def test_identities(call, fails):
    identity = call("unkey_create_identity", external_id="every_one", meta={"plan": "pro"})
    assert call("unkey_get_identity", get=True, identity="every_one")["identity_id"] == identity
    call("unkey_update_identity", identity=identity, patch={"meta": None})
    assert "every_one" in [row["external_id"] for row in call("unkey_list_identities", get=True, search="every_")]
    call("unkey_delete_identity", identity="every_one")
    fails("unkey_create_identity", "22004", external_id=None)
    fails("unkey_get_identity", "42704", identity="every_one")
    fails("unkey_update_identity", "42704", identity="every_one", patch={})
    fails("unkey_list_identities", "22023", limit=-1)
    fails("unkey_delete_identity", "42704", identity="every_one")


def test_limits(call, fails):
    namespace = call("unkey_create_namespace", name="every")
    assert call("unkey_get_namespace", get=True, namespace="every")["namespace_id"] == namespace
    assert "every" in [row["name"] for row in call("unkey_list_namespaces", get=True)]
    call("unkey_set_override", namespace="every", identifier="vip", limit=1000, duration="1 minute")
    assert call("unkey_get_override", get=True, namespace="every", identifier="vip")["limit"] == 1000
    assert [row["identifier"] for row in call("unkey_list_overrides", get=True, namespace="every")] == ["vip"]
    answer = call("unkey_limit", namespace="every", identifier="vip", limit=1, duration="1 minute", cost=10)
    assert (answer["success"], answer["limit"], answer["remaining"]) == (True, 1000, 990)
    checks = [{"namespace": "every", "identifier": "x", "limit": 1, "duration": 60000}]
    assert [call("unkey_multi_limit", checks=checks)[0]["passed"] for _ in range(2)] == [True, False]
    call("unkey_delete_override", namespace="every", identifier="vip")
    fails("unkey_get_override", "42704", namespace="every", identifier="vip")
    fails("unkey_delete_override", "42704", namespace="every", identifier="vip")
    fails("unkey_set_override", "22023", namespace="every", identifier="vip", limit=-1, duration="1 minute")
    call("unkey_delete_namespace", namespace="every")
    fails("unkey_limit", "55000", namespace="every", identifier="x", limit=1, duration="1 minute")
    fails("unkey_multi_limit", "22023", checks={})
    fails("unkey_get_namespace", "55000", namespace="every")
    fails("unkey_delete_namespace", "55000", namespace="every")
    fails("unkey_list_overrides", "55000", namespace="every")
    fails("unkey_list_namespaces", "22023", limit=0)
    fails("unkey_create_namespace", "22023", name="")


def test_root_keys_and_the_v2_dialect(call, fails):
    made = call("unkey_create_root_key", name="every", permissions=["api.*.read_api"])
    assert call("unkey_get_root_key", get=True, key_id=made["key_id"])["permissions"] == ["api.*.read_api"]
    call("unkey_update_root_key", key_id=made["key_id"], patch={"permissions": ["*"]})
    assert made["key_id"] in [row["key_id"] for row in call("unkey_list_root_keys", get=True)]
    bearer = "Bearer " + call("unkey_reroll_root_key", key_id=made["key_id"])["key"]
    assert "keys.verifyKey" in call("unkey_api_operations", get=True)
    reply = call("unkey_api", operation="apis.listApis", authorization=bearer, body="{}")
    assert (reply["status"], reply["content_type"]) == (200, "application/json")
    replies = call("unkey_api_verify_keys", authorizations=[bearer], bodies=['{"key": "nobody_knows_this"}'])
    assert [(row["status"], row["outcome"]) for row in replies] == [(200, "NOT_FOUND")]
    call("unkey_delete_root_key", key_id=made["key_id"])
    for function in ("get", "delete", "reroll"):
        fails(f"unkey_{function}_root_key", "42704", key_id=made["key_id"])
    fails("unkey_update_root_key", "42704", key_id=made["key_id"], patch={})
    fails("unkey_create_root_key", "22023", permissions=["nonsense"])
    fails("unkey_list_root_keys", "22023", limit=0)
    fails("unkey_api", "22004", operation=None, authorization=bearer, body="{}")
    fails("unkey_api_operations", "PGRST202", argument="none")
    fails("unkey_api_verify_keys", "22004", authorizations=None, bodies=[])


def test_analytics_audit_and_workspace(call, fails):
    rows = call("unkey_get_verifications", get=True, query="SELECT count() AS n FROM key_verifications_v1")
    assert rows[0]["n"] >= 0
    assert call("unkey_get_ratelimits", get=True, query="SELECT count() AS n FROM ratelimits_v1")[0]["n"] >= 0
    assert call("unkey_verify_audit_log")["valid"]
    call("unkey_update_workspace", patch={"ratelimit": {"limit": 100000, "duration": 60000}})
    assert call("unkey_get_workspace", get=True)["enabled"] is True
    call("unkey_update_workspace", patch={"ratelimit": None})
    fails("unkey_get_verifications", "42501", query="SELECT * FROM pg_authid")
    fails("unkey_get_ratelimits", "42601", query="nonsense")
    fails("unkey_update_workspace", "22023", patch={"nonsense": 1})
    fails("unkey_verify_audit_log", "PGRST202", heads="x")
    fails("unkey_get_workspace", "PGRST202", x=1)


def test_who_is_calling_is_forgotten_with_each_call(call, fails, api):
    key = call("unkey_create_key", api_id=api, external_id="every_caller", permissions=["a.b"])["key"]
    # More calls than there are connections, so that each is asked again.
    for _ in range(30):
        assert call("unkey_authenticate", key=key)["valid"]
        for function in ("unkey_key_id", "unkey_external_id", "unkey_identity_id", "unkey_meta"):
            assert call(function, get=True) is None
    assert call("unkey_can", get=True, permissions="a.b") is False
    assert call("unkey_has_role", get=True, role="every") is False
    assert call("unkey_logout") == []
    fails("unkey_authenticate", "55000", key=key, session=True)
    fails("unkey_authenticate", "22023", key=key, cost=-1)
    fails("unkey_can", "PGRST202", nothing=1)
    fails("unkey_has_role", "PGRST202", nothing=1)
    for function in ("unkey_key_id", "unkey_external_id", "unkey_identity_id", "unkey_meta", "unkey_logout"):
        fails(function, "PGRST202", nothing=1)


def test_requests_are_of_the_transaction_that_authenticates(fails):
    fails("unkey_begin_request", "28000", idempotency_key="every")
    fails("unkey_finish_request", "28000", idempotency_key="every", answer={})
    called.update({"unkey_begin_request", "unkey_finish_request"})


def test_a_key_in_a_header(call, fails, api):
    key = call("unkey_create_key", api_id=api, external_id="every_request")["key"]
    # The header that tests/http/postgrest/setup.sql names.
    with SyncPostgrestClient(URL, headers={"Authorization": "Bearer " + token("web_manager"), "X-Key": key}) as client:
        verdict = client.rpc("unkey_authenticate_request", {"tags": ["every"]}).execute().data
        assert (verdict["code"], verdict["identity"]["externalId"]) == ("VALID", "every_request")
        assert client.rpc("unkey_pre_request", {}).execute().data == []
    called.update({"unkey_authenticate_request", "unkey_pre_request"})
    fails("unkey_authenticate_request", "MISSING_KEY")
    fails("unkey_pre_request", "MISSING_KEY")


def test_privileges_are_the_owners_to_hand_out(fails):
    fails("unkey_grant", "42501", role="web_anon", privilege="read")
    fails("unkey_revoke", "42501", role="web_anon", privilege="verify")
    called.update({"unkey_grant", "unkey_revoke"})


def test_no_function_was_left_out():
    public = sql("SELECT string_agg(DISTINCT proname, ' ') FROM pg_proc WHERE proname LIKE 'unkey\\_%' AND proname NOT LIKE 'unkey\\_test\\_%'")
    assert set(public.split()) == called == refused
