"""From arguments to a result."""

import time

import httpx
import pytest
from conftest import URL, error, sql


def test_a_call_by_post_and_by_get(anon):
    posted = anon.post("/unkey_test_text", json={"name": "ann", "loud": True})
    got = anon.get("/unkey_test_text", params={"name": "ann", "loud": "true"})
    for response in (posted, got):
        assert (response.status_code, response.json()) == (200, "ANN")
        assert response.headers["content-type"] == "application/json; charset=utf-8"
        assert response.headers["content-range"] == "0-0/*"
        assert response.headers["x-request-id"].startswith("req_")


def test_absent_is_the_default_and_null_is_null(anon):
    assert anon.post("/unkey_test_text", json={}).json() == "nobody"
    assert anon.post("/unkey_test_text").json() == "nobody"
    assert anon.get("/unkey_test_text").json() == "nobody"
    assert anon.post("/unkey_test_text", json={"name": None}).json() is None


def test_a_form_is_as_good_as_json(anon):
    assert anon.post("/unkey_test_text", data={"name": "a b&c", "loud": "true"}).json() == "A B&C"
    assert anon.post("/unkey_test_count", data={"values": ["1", "2", "3"]}).json() == 3


def test_variadic_arguments_repeat_and_others_count_last(anon):
    assert anon.get("/unkey_test_count?values=1&values=2").json() == 2
    assert anon.get("/unkey_test_count").json() == 0
    assert anon.post("/unkey_test_count", json={"values": [1, 2, 3]}).json() == 3
    assert anon.get("/unkey_test_text?name=first&name=last").json() == "last"


def test_arrays_json_and_instants_are_typed(manager, api):
    made = manager.post("/unkey_create_key", json={
        "api_id": api, "permissions": ["a.read", "b.read"], "meta": {"plan": None}, "expires": "2099-01-01T00:00:00Z",
        "ip_allowlist": ["10.0.0.0/8"], "credits": 9007199254740993})
    details = manager.get("/unkey_get_key", params={"key_id": made.json()["key_id"]}).json()
    assert details["permissions"] == ["a.read", "b.read"]
    assert details["meta"] == {"plan": None}
    assert details["expires"] == "2099-01-01T00:00:00+00:00"
    assert details["ip_allowlist"] == ["10.0.0.0/8"]
    assert details["credits"] == 9007199254740993
    got = manager.get("/unkey_verify_key", params={"key": made.json()["key"], "tags": "{a,b}", "ip": "10.1.1.1", "cost": "0"})
    assert got.json()["code"] == "VALID"


def test_json_in_a_query_string_is_json(manager, api):
    response = manager.get("/unkey_update_api", params={"api_id": api, "patch": '{"name": "other"}'})
    error(response, 405, "25006")
    error(manager.get("/unkey_update_api", params={"api_id": api, "patch": "{"}), 400, "PGRST102")


def test_results_have_their_own_shapes(anon):
    assert anon.get("/unkey_test_value?kind=null").json() is None
    assert anon.get("/unkey_test_value?kind=text").json() == 'a "text"'
    assert anon.get("/unkey_test_value?kind=array").json() == [1, "a"]
    assert anon.get("/unkey_test_numbers?most=3").json() == [1, 2, 3]
    assert anon.get("/unkey_test_numbers?most=0").json() == []
    verdict = anon.post("/unkey_verify_key", json={"key": "nobody"}).json()
    assert (verdict["valid"], verdict["code"]) == (False, "NOT_FOUND")
    rows = anon.post("/unkey_verify_keys", json={"keys": ["a", "b"]}).json()
    assert [row["code"] for row in rows] == ["NOT_FOUND", "NOT_FOUND"]


def test_nothing_is_204(manager, key):
    response = manager.post("/unkey_delete_key", json={"key_id": key["key_id"]})
    assert (response.status_code, response.content) == (204, b"")
    assert "content-type" not in response.headers


def test_head_is_get_without_a_body(anon):
    response = anon.head("/unkey_test_rows", headers={"Prefer": "count=exact"})
    assert response.headers["content-length"] == str(len(anon.get("/unkey_test_rows").content))
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["content-range"] == "0-3/4"
    assert response.headers["content-type"] == "application/json; charset=utf-8"


def test_other_methods_are_405(anon):
    for method in ("PUT", "PATCH", "DELETE"):
        response = anon.request(method, "/unkey_test_rows")
        error(response, 405, "PGRST101")
        assert response.headers["allow"] == "OPTIONS, GET, HEAD, POST"


def test_options_says_how_it_may_be_called(anon):
    assert anon.options("/unkey_test_text").headers["allow"] == "OPTIONS, GET, HEAD, POST"
    assert anon.options("/unkey_verify_key").headers["allow"] == "OPTIONS, POST"
    error(anon.options("/unkey_none"), 404, "PGRST202")


def test_the_openapi_document_has_every_function(anon):
    document = httpx.get(URL + "/openapi.json").json()
    path = document["paths"]["/rpc/unkey_verify_key"]
    assert path["post"]["requestBody"]["content"]["application/json"]["schema"]["required"] == ["key"]
    assert "get" not in path and "get" in document["paths"]["/rpc/unkey_get_key"]
    functions = sql("SELECT count(DISTINCT proname) FROM pg_proc WHERE proname LIKE 'unkey\\_%'")
    assert len([path for path in document["paths"] if path.startswith("/rpc/")]) == int(functions)


def test_what_does_not_exist_is_404_with_a_hint(anon):
    body = error(anon.post("/unkey_verify_kay", json={"key": "x"}), 404, "PGRST202")
    assert body["hint"] == "Perhaps public.unkey_verify_key was meant."
    body = error(anon.get("/unkey_test_text?nam=x"), 404, "PGRST202")
    assert body["message"] == "there is no function unkey_test_text(nam)"
    assert body["hint"] == "Perhaps public.unkey_test_text(name, loud) was meant."
    error(anon.post("/unkey_test_numbers", json={}), 404, "PGRST202")
    for hidden in ("pg_sleep", "now", "pg_read_file", "verify", "unkey.maintain", "unkey_%", "%ff", ""):
        assert anon.post("/" + hidden, json={}).status_code == 404


def test_two_functions_of_the_same_arguments_are_300(anon):
    error(anon.get("/unkey_test_same?a=1"), 300, "PGRST203")


def test_overloads_are_told_apart_by_their_arguments(manager, key):
    call = {"key_id": key["key_id"], "operation": "set"}
    assert manager.post("/unkey_update_credits", json=call | {"value": 5}).json() == 5
    assert manager.post("/unkey_update_credits", json=call).json() is None
    assert manager.post("/unkey_update_credits", json=call | {"value": 7}).json() == 7


def test_columns_say_which_members_count(anon):
    assert anon.post("/unkey_test_text?columns=name", json={"name": "a", "loud": True, "x": 1}).json() == "a"


@pytest.mark.parametrize("body", ["[1]", "{", "1", '"text"', "null", '{"name": }'])
def test_a_body_that_is_no_object_is_400(anon, body):
    error(anon.post("/unkey_test_text", content=body, headers={"Content-Type": "application/json"}), 400, "PGRST102")


def test_other_bodies_are_400(anon):
    error(anon.post("/unkey_test_text", content="name\na", headers={"Content-Type": "text/csv"}), 400, "PGRST102")
    error(anon.post("/unkey_test_text", content=b"\xff", headers={"Content-Type": "application/json"}), 400, "PGRST102")
    error(anon.post("/unkey_test_text", content=b"x" * (5 << 20)), 413, "PGRST102")


def test_values_of_the_wrong_type_are_400(anon):
    error(anon.post("/unkey_test_numbers", json={"most": "many"}), 400, "22P02")
    error(anon.get("/unkey_test_text?loud=perhaps"), 400, "22P02")


def test_errors_of_the_extension_go_through(manager):
    body = error(manager.post("/unkey_get_key", json={"key_id": "key_none"}), 400, "42704")
    assert "key_none" in body["message"]
    body = error(manager.post("/unkey_create_api", json={"name": "1"}), 400, "22023")
    assert body["message"] == "name must have 3 to 255 characters, not 1"
    assert manager.post("/unkey_create_permission", json={"slug": "taken"}).status_code == 200
    error(manager.post("/unkey_create_permission", json={"slug": "taken"}), 409, "23505")


def until(condition):
    deadline = time.monotonic() + 10
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert condition()


@pytest.fixture
def shape():
    """Makes unkey_test_shape anew, as given."""
    gone = "ALTER EXTENSION unkey DROP FUNCTION unkey_test_shape; DROP FUNCTION unkey_test_shape; "
    made = "CREATE FUNCTION unkey_test_shape() {}; ALTER EXTENSION unkey ADD FUNCTION unkey_test_shape"
    sql(made.format("RETURNS integer LANGUAGE sql STABLE AS 'SELECT 1'"))
    yield lambda definition: sql(gone + made.format(definition))
    sql(gone)


def test_what_a_function_becomes_counts_soon(anon, shape):
    def described():
        return httpx.get(URL + "/openapi.json")

    until(lambda: anon.get("/unkey_test_shape").status_code == 200)
    assert anon.get("/unkey_test_shape").json() == 1
    before = described()
    shape("RETURNS TABLE(a integer, b integer) LANGUAGE sql STABLE AS 'SELECT 1, 2'")
    until(lambda: anon.get("/unkey_test_shape").json() == [{"a": 1, "b": 2}])
    after = described()
    assert after.json()["paths"]["/rpc/unkey_test_shape"] != before.json()["paths"]["/rpc/unkey_test_shape"]
    assert after.headers["etag"] != before.headers["etag"]
    time.sleep(4)
    assert described().headers["etag"] == after.headers["etag"]
    shape("""RETURNS TABLE(note text) LANGUAGE sql VOLATILE AS $$ INSERT INTO tests_written VALUES ('shape') RETURNING * $$""")
    until(lambda: anon.post("/unkey_test_shape").status_code == 200)
    assert anon.options("/unkey_test_shape").headers["allow"] == "OPTIONS, POST"


def test_functions_made_and_changed_later_are_found(anon):
    def make(arguments, answer):
        sql(f"CREATE FUNCTION unkey_test_later({arguments}) RETURNS text LANGUAGE sql AS $$ SELECT '{answer}' $$;"
            "ALTER EXTENSION unkey ADD FUNCTION unkey_test_later")

    error(anon.get("/unkey_test_later"), 404, "PGRST202")
    make("", "here")
    until(lambda: anon.post("/unkey_test_later").status_code == 200)
    assert anon.post("/unkey_test_later").json() == "here"
    sql("ALTER EXTENSION unkey DROP FUNCTION unkey_test_later; DROP FUNCTION unkey_test_later")
    make("a text", "changed")
    until(lambda: anon.post("/unkey_test_later", json={"a": "x"}).status_code == 200)
    sql("ALTER EXTENSION unkey DROP FUNCTION unkey_test_later; DROP FUNCTION unkey_test_later")
    make("a integer", "changed again")
    until(lambda: anon.post("/unkey_test_later", json={"a": 1}).status_code == 200)
    assert anon.post("/unkey_test_later", json={"a": 1}).json() == "changed again"
