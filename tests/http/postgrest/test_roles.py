"""Who may call what."""

import time

import httpx
import pytest
from conftest import SECRET, URL, error, sign, token


def called(bearer=None, path="/unkey_list_apis", **headers):
    if bearer is not None:
        headers["Authorization"] = f"Bearer {bearer}".strip()
    return httpx.post(URL + "/rpc" + path, json={}, headers=headers)


def test_those_without_a_token_can_do_what_their_role_was_granted(anon, key):
    assert anon.post("/unkey_verify_key", json={"key": key["key"]}).json()["code"] == "VALID"
    response = anon.post("/unkey_list_apis", json={})
    body = error(response, 401, "42501")
    assert body["message"] == "permission denied for function unkey_list_apis"
    assert response.headers["www-authenticate"] == "Bearer"


def test_a_token_can_more(manager, api):
    assert api in [row["api_id"] for row in manager.post("/unkey_list_apis", json={}).json()]


def test_nobody_can_hand_out_privileges(manager):
    response = manager.post("/unkey_grant", json={"role": "web_anon", "privilege": "manage"})
    error(response, 403, "42501")
    assert "www-authenticate" not in response.headers


def test_functions_know_who_calls():
    seen = called(token("web_manager", sub="ann"), "/unkey_test_request").json()
    assert (seen["role"], seen["login"]) == ("web_manager", "http_server")
    assert (seen["claims"]["sub"], seen["claims"]["role"]) == ("ann", "web_manager")
    assert called(path="/unkey_test_request").json()["claims"] == {"role": "web_anon"}


def test_functions_know_the_request_but_no_secret():
    seen = called(token("web_manager"), "/unkey_test_request?select=x", apikey="secret", Cookie="a=1; b=2", **{"X-Trace": "7"}).json()
    assert (seen["method"], seen["path"]) == ("POST", "/rpc/unkey_test_request")
    assert (seen["headers"]["x-trace"], seen["cookies"]) == ("7", {"a": "1", "b": "2"})
    assert {"authorization", "apikey", "cookie"}.isdisjoint(seen["headers"])


def test_nothing_of_a_call_is_left_for_the_next():
    called(token("web_manager", sub="ann"), "/unkey_test_request", **{"Prefer": "timezone=Asia/Tokyo", "X-Trace": "7"})
    for _ in range(12):
        seen = called(path="/unkey_test_request").json()
        assert (seen["role"], seen["zone"]) == ("web_anon", "UTC")
        assert "x-trace" not in seen["headers"] and "sub" not in seen["claims"]


def test_the_scheme_may_be_in_small_letters_and_others_are_not_ours():
    for value, status in (("bearer " + token("web_manager"), 200), ("Basic eDp5", 401), ("nonsense", 401)):
        assert httpx.post(URL + "/rpc/unkey_list_apis", headers={"Authorization": value}).status_code == status


NOW = time.time()
NONE = sign({"role": "web_manager"}, header={"alg": "none"})


@pytest.mark.parametrize(("bearer", "code"), [
    (sign({"role": "web_manager"}, SECRET + "x"), "PGRST301"),
    (sign({"role": "web_manager"}, header={"alg": "HS512"}), "PGRST301"),
    (sign({"role": "web_manager"}, header={"alg": "RS256"}), "PGRST301"),
    (sign({"role": "web_manager"}, header={"crit": ["b64"], "b64": False}), "PGRST301"),
    (NONE, "PGRST301"),
    (NONE.rsplit(".", 1)[0] + ".", "PGRST301"),
    (token("web_manager")[:-4], "PGRST301"),
    ("nonsense", "PGRST301"),
    ("a.b.c", "PGRST301"),
    ("", "PGRST301"),
    (sign({"role": "web_manager", "exp": NOW - 3600}), "PGRST303"),
    (sign({"role": "web_manager", "nbf": NOW + 3600}), "PGRST303"),
    (sign({"role": "web_manager", "iat": NOW + 3600}), "PGRST303"),
    (sign({"role": "web_manager", "exp": "never"}), "PGRST303"),
    (sign({"role": "web_manager", "aud": "others"}), "PGRST303"),
    (sign({"role": "web_manager", "aud": ["others"]}), "PGRST303"),
    (sign({"role": "none"}), "PGRST303"),
])
def test_tokens_that_are_no_good(bearer, code):
    response = called(bearer)
    body = error(response, 401, code)
    assert response.headers["www-authenticate"] == f'Bearer error="invalid_token", error_description="{body["message"]}"'
    assert not bearer or bearer not in response.text


def test_tokens_for_us_are_good():
    for audience in ("tests", ["others", "tests"], [], None):
        assert called(sign({"role": "web_manager", "aud": audience})).status_code == 200


def test_a_role_that_can_not_be_taken(manager):
    error(called(token("nobody_of_this_name")), 401, "22023")
    error(called(token("web_stranger")), 403, "42501")
    error(called(token("postgres")), 403, "42501")


def test_a_token_without_a_role_is_as_good_as_none():
    error(called(sign({"sub": "ann"})), 401, "42501")
    assert called(sign({"sub": "ann"}), "/unkey_test_request").json()["claims"] == {"sub": "ann", "role": "web_anon"}
