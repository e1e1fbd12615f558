"""What no client of ours shows: headers, statuses and content types of single requests."""

import httpx
import pytest

from client import ROOT_KEY, URL, new_key, sql, unique

BODY = {"key": "nobody"}


def _post(operation="keys.verifyKey", body=BODY, **headers):
    return httpx.post(f"{URL}/v2/{operation}", json=body, headers=headers)


def _assert_error(reply, status, type, content_type="application/json"):
    assert (reply.status_code, reply.headers["content-type"]) == (status, content_type)
    body = reply.json()
    assert set(body) == {"meta", "error"}
    assert (body["error"]["status"], body["error"]["type"]) == (status, f"https://unkey.com/docs/errors/{type}")
    assert body["meta"]["requestId"] == reply.headers["x-request-id"]


def test_lv_01_liveness_needs_no_root_key():
    reply = httpx.get(f"{URL}/v2/liveness")
    assert (reply.status_code, reply.headers["content-type"]) == (200, "application/json")
    assert reply.json()["data"] == {"message": "OK"}
    assert reply.json()["meta"]["requestId"].startswith("req_")


def test_vk_32_no_authorization_header():
    reply = _post()
    _assert_error(reply, 400, "unkey/authentication/missing")
    assert reply.json()["error"]["errors"] == []


@pytest.mark.parametrize("value", ["", "Bearer", ROOT_KEY, f"Basic {ROOT_KEY}", f"Token {ROOT_KEY}"])
def test_a_malformed_authorization_header(value):
    reply = _post(Authorization=value)
    assert reply.status_code == 400
    assert reply.json()["error"]["type"].rsplit("/", 1)[1] in ("missing", "malformed")
    assert reply.json()["error"]["errors"] == []


def test_another_scheme_of_authorization():
    _assert_error(_post(Authorization=f"Basic {ROOT_KEY}"), 400, "unkey/authentication/malformed")


def test_vk_34_an_unknown_root_key():
    _assert_error(_post(Authorization="Bearer unkey_nobody"), 401, "unkey/authentication/key_not_found")


def test_vk_35_a_key_is_no_root_key():
    _assert_error(_post(Authorization=f"Bearer {new_key().key}"), 401, "unkey/authentication/key_not_found")


def test_a_reply_of_verify_key():
    reply = _post(Authorization=f"Bearer {ROOT_KEY}")
    assert (reply.status_code, reply.headers["content-type"]) == (200, "application/json")
    assert reply.json()["data"] == {"valid": False, "code": "NOT_FOUND"}


def test_errors_of_delete_identity_have_a_type_of_their_own():
    reply = _post("identities.deleteIdentity", {"identity": "nobody.at.all"}, Authorization=f"Bearer {ROOT_KEY}")
    _assert_error(reply, 404, "unkey/data/identity_not_found", "application/problem+json")


def test_an_operation_that_does_not_exist():
    _assert_error(_post("keys.nope", Authorization=f"Bearer {ROOT_KEY}"), 404, "unkey/application/not_found")


@pytest.mark.parametrize("path", ["/", "/v2/", "/v1/keys.verifyKey", "/v2/keys/verifyKey"])
def test_a_path_that_does_not_exist(path):
    _assert_error(httpx.post(URL + path, json=BODY), 404, "unkey/application/not_found")


@pytest.mark.parametrize(("method", "path", "allow"), [("GET", "keys.verifyKey", "POST"), ("PUT", "keys.verifyKey", "POST"), ("POST", "liveness", "GET")])
def test_the_wrong_method(method, path, allow):
    reply = httpx.request(method, f"{URL}/v2/{path}")
    _assert_error(reply, 405, "user/bad_request/method_not_allowed")
    assert reply.headers["allow"] == allow


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"text"', b'{"key": "a", "key": "b"}'])
def test_a_body_that_is_no_object(body):
    reply = httpx.post(f"{URL}/v2/keys.verifyKey", content=body, headers={"Authorization": f"Bearer {ROOT_KEY}"})
    _assert_error(reply, 400, "unkey/application/invalid_input")
    assert reply.json()["error"]["errors"][0]["location"].startswith("body")


def test_what_a_client_does_not_want_in_its_metrics_is_not_recorded():
    identifier = unique("py")
    body = {"namespace": "py.metrics", "identifier": identifier, "limit": 9, "duration": 60000}
    for headers in ({}, {"X-Unkey-Metrics": "disabled"}, {"X-Unkey-Metrics": "enabled"}):
        assert _post("ratelimit.limit", body, Authorization=f"Bearer {ROOT_KEY}", **headers).status_code == 200
    sql("SELECT count(unkey.maintain())")
    assert sql(f"SELECT count(*) FROM unkey.ratelimits_v1 WHERE identifier = '{identifier}'") == "2"


def test_the_content_type_of_a_request_does_not_matter():
    reply = httpx.post(f"{URL}/v2/keys.verifyKey", content=b'{"key": "nobody"}', headers={"Authorization": f"Bearer {ROOT_KEY}"})
    assert reply.status_code == 200
