"""What a key in a request comes to."""

import os
import re

import httpx
import pytest
from conftest import URL, refused, soon, sql, token
from postgrest import SyncPostgrestClient
from postgrest.exceptions import APIError

LIMIT = "w=4000000000"


def credits(key):
    return int(sql(f"SELECT credits FROM unkey_whoami('{key}')"))


# ---- refusals ----


def test_no_key(call):
    for headers in ({}, {"Authorization": "Basic eDp5"}, {"Authorization": f"Bearer {token('prq_anon')}"}, {"apikey": token("prq_anon")}):
        response = call("seen", **headers)
        assert refused(response, 401, "MISSING_KEY")["hint"] == "Send it in the header apikey, or as Authorization: Bearer <key>."
        assert response.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(("arguments", "code"), [
    (None, "NOT_FOUND"), ("enabled => false", "DISABLED"), ("expires => now() - interval '1 day'", "EXPIRED"),
])
def test_a_key_that_is_no_good(call, new_key, arguments, code):
    key = new_key(arguments) if arguments else "nobody_knows_this_key"
    response = call("seen", key)
    refused(response, 401, code)
    assert response.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    assert key not in response.text + str(response.headers)


def test_an_address_that_is_not_allowed(call, new_key):
    key = new_key("external_id => 'acme'", sql("SELECT unkey_create_api('listed', ip_allowlist => '{203.0.113.0/24}')"))
    refused(call("seen", key), 403, "FORBIDDEN")
    refused(call("seen", key, X_Forwarded_For="203.0.113.7, 198.51.100.1"), 403, "FORBIDDEN")
    refused(call("seen", key, X_Forwarded_For="203.0.113.7, unknown"), 403, "FORBIDDEN")
    assert call("seen", key, X_Forwarded_For="198.51.100.1, 203.0.113.7").json()["address"] == "203.0.113.7"
    assert call("seen", key, X_Forwarded_For="203.0.113.7:4711").json()["address"] == "203.0.113.7"


def test_too_many_requests(call, new_key):
    key = new_key()
    left = []
    for _ in range(3):
        response = call("seen", key)
        assert response.headers["ratelimit-policy"] == f'"GET /rpc/unkey_test_seen";q=3;{LIMIT}'
        left.append(re.fullmatch(r'"GET /rpc/unkey_test_seen";r=(\d);t=\d+', response.headers["ratelimit"])[1])
    assert left == ["2", "1", "0"]
    for _ in range(2):
        response = call("seen", key)
        assert refused(response, 429, "RATE_LIMITED")["details"] == "GET /rpc/unkey_test_seen"
        assert re.fullmatch(r"[1-9]\d+", response.headers["retry-after"])
        assert '";r=0;t=' in response.headers["ratelimit"]
    # Another path and another method have limits of their own; another way to write the path has not.
    assert call("notes", key).status_code == 200
    assert call("seen", key, arguments={}).status_code == 200
    assert call("seen", key, prefix="/rest/v1/rpc").status_code == 429


def test_credits(call, new_key):
    key = new_key("external_id => 'acme', credits => 9")
    assert call("write", key, arguments={"note": "paid"}).status_code == 204
    assert credits(key) == 4
    response = call("write", key, arguments={"note": "never"})
    refused(response, 429, "USAGE_EXCEEDED")
    assert "retry-after" not in response.headers
    assert sql("SELECT string_agg(customer || note, ',') FROM notes WHERE note IN ('paid', 'never')") == "acmepaid"


def test_credits_that_come_back(call, new_key):
    key = new_key("credits => 0, refill_amount => 5, refill_interval => 'daily'")
    response = call("pay", key, arguments={})
    refused(response, 429, "USAGE_EXCEEDED")
    assert 1 <= int(response.headers["retry-after"]) <= 86400


# ---- who is calling ----


def test_policies_know_who_is_calling(call, new_key):
    assert "of acme" in call("notes", new_key("external_id => 'acme'")).json()
    assert call("notes", new_key("external_id => 'globex'")).json() == ["of globex"]
    assert call("notes", new_key("name => 'nobody''s'")).json() == []


def test_reading_is_read_only_and_costs_nothing(call, new_key):
    key = new_key("external_id => 'acme', credits => 1")
    assert call("seen", key).json()["read_only"] == "on"
    assert call("seen", key, method="HEAD").status_code == 200
    assert credits(key) == 1


def test_a_call_that_fails_pays_nothing(call, new_key):
    key = new_key("external_id => 'acme', credits => 10")
    refused(call("write", key, arguments={"note": "undone", "fails": True}), 409, "PT409")
    assert (credits(key), sql("SELECT count(*) FROM notes WHERE note = 'undone'")) == (10, "0")


@pytest.mark.parametrize("headers", [
    {"Authorization": "Bearer {key}"}, {"apikey": "{key}"}, {"apikey": "{key}", "Authorization": "Bearer {key}"},
])
def test_what_is_called_does_not_see_the_key(call, new_key, headers):
    key = new_key()
    response = call("seen", X_Trace="7", **{name: value.format(key=key) for name, value in headers.items()})
    seen = response.json()
    assert (seen["principal"], seen["headers"]["x-trace"]) == ("acme", "7")
    assert key not in response.text and not {"apikey", "authorization"} & set(seen["headers"])


def test_claims(call, new_key):
    key = new_key("external_id => 'acme', permissions => '{notes.read}'")
    seen = call("seen", key).json()
    assert (seen["role"], seen["claims"]["role"], seen["claims"]["sub"]) == ("prq_anon", "prq_anon", "acme")
    assert seen["claims"]["unkey"]["external_id"] == "acme" and seen["claims"]["unkey"]["permissions"] == ["notes.read"]


def test_a_token_names_the_role_and_a_key_who_pays(call, new_key):
    key = new_key("external_id => 'acme', credits => 10")
    jwt = token("prq_member", sub="ann", unkey={"external_id": "forged"})
    response = call("pay", arguments={}, Authorization=f"Bearer {jwt}", apikey=key)
    seen = response.json()
    assert (seen["role"], seen["principal"], credits(key)) == ("prq_member", "acme", 5)
    assert (seen["claims"]["sub"], seen["claims"]["unkey"]["external_id"]) == ("ann", "acme")
    assert jwt not in response.text and key not in response.text
    refused(call("seen", Authorization=f"Bearer {jwt[:-3]}", apikey=key), 401, "PGRST301")


def test_nobody_is_left_for_the_next_request(call, new_key):
    for _ in range(3):
        assert call("seen", new_key()).json()["principal"] == "acme"
        refused(call("seen"), 401, "MISSING_KEY")


# ---- what is written down ----


def test_refused_requests_are_in_the_analytics(call, new_key):
    key = new_key("external_id => 'refused', enabled => false")
    refused(call("seen", key), 401, "DISABLED")
    # The first event of a database has no worker yet.
    seen = "SELECT outcome || ' ' || array_to_string(tags, ' ') FROM unkey.key_verifications_v1 WHERE external_id = 'refused' LIMIT 1"
    assert soon(lambda: call("seen", key).status_code == 401 and sql(seen) == "DISABLED method:GET path:/rpc/unkey_test_seen")


def test_no_log_has_a_key(call, new_key):
    key = new_key("credits => 0")
    refused(call("pay", key, arguments={}), 429, "USAGE_EXCEEDED")
    assert call("seen", apikey=key).status_code == 200
    for log in ("HTTP_LOG", "DATABASE_LOG"):
        with open(os.environ[log], encoding="utf-8") as file:
            text = file.read()
        assert text and key not in text and key.split("_")[-1][:12] not in text


# ---- others ----


def test_a_standby_limits_too_and_can_not_be_paid(call, new_key):
    replica = os.environ["UNKEY_REPLICA_URL"]
    key = new_key("external_id => 'acme', credits => 10")
    assert soon(lambda: call("notes", key, replica).status_code == 200)
    # Counted apart from its primary, and the call above once at least.
    codes = [call("notes", key, replica).status_code for _ in range(3)]
    assert codes[-1] == 429 and set(codes) <= {200, 429}
    assert call("write", key, replica, arguments={"note": "x"}).status_code >= 400
    assert credits(key) == 10


def test_python_client(new_key):
    key = new_key("external_id => 'globex'")
    with SyncPostgrestClient(URL, headers={"apikey": key, "Authorization": f"Bearer {key}"}) as client:
        assert client.rpc("unkey_test_notes", {}, get=True).execute().data == ["of globex"]
    with SyncPostgrestClient(URL, headers={"apikey": "nobody_knows_this_key"}) as client, pytest.raises(APIError) as caught:
        client.rpc("unkey_test_notes", {}).execute()
    assert caught.value.code == "NOT_FOUND"


def test_functions_find_their_own_schema_and_then_the_extension(call, new_key):
    place = call("place", new_key()).json()
    assert (place["place"], place["path"]) == ("app", "app, public")
    assert place["key"].startswith("key_")


def test_functions_of_one_schema_are_served(call, new_key):
    key = new_key()
    assert call("seen", key).status_code == 200
    for function in ("elsewhere", "trigger"):
        assert refused(call(function, key), 404, "PGRST202")
    paths = httpx.get(URL + "/openapi.json").json()["paths"]
    assert {"/rpc/unkey_test_seen", "/rpc/unkey_verify_key"} <= set(paths)
    assert not {"/rpc/unkey_test_elsewhere", "/rpc/unkey_test_trigger"} & set(paths)


def test_the_document_tells_of_keys():
    document = httpx.get(URL + "/openapi.json").json()
    assert "key" in document["components"]["securitySchemes"]
    operation = document["paths"]["/rpc/unkey_test_seen"]["get"]
    assert {"key": []} in operation["security"] and "429" in operation["responses"]
