"""What is kept of a call, and what is not."""

import pytest
from conftest import error


def written(anon, note):
    return anon.get("/unkey_test_written", params={"note": note}).json()


def test_a_call_commits(anon):
    assert anon.post("/unkey_test_write", json={"note": "kept", "times": 2}).json() == [{"note": "kept"}] * 2
    assert written(anon, "kept") == 2


def test_get_and_head_can_not_write(anon):
    error(anon.get("/unkey_test_write?note=got"), 405, "25006")
    assert anon.head("/unkey_test_write?note=got").status_code == 405
    assert written(anon, "got") == 0


def test_the_limiter_says_why_it_can_not_be_got(manager):
    limit = {"namespace": "rpc", "identifier": "x", "limit": 1, "duration": "1 hour"}
    assert manager.get("/unkey_limit", params=limit).status_code == 405
    assert [manager.post("/unkey_limit", json=limit).json()["success"] for _ in range(2)] == [True, False]


@pytest.mark.parametrize(("headers", "status", "code"), [
    ({"Accept": "application/vnd.pgrst.object+json"}, 406, "PGRST116"),
    ({"Prefer": "handling=strict, max-affected=1"}, 400, "PGRST124"),
    ({"Prefer": "handling=strict, foo"}, 400, "PGRST122"),
    ({"Accept": "image/png"}, 406, "PGRST107"),
])
def test_what_is_refused_is_not_kept(anon, headers, status, code):
    response = anon.post("/unkey_test_write", json={"note": code, "times": 2}, headers=headers)
    error(response, status, code)
    assert written(anon, code) == 0


def test_a_range_that_is_not_there_undoes_the_call(anon):
    response = anon.post("/unkey_test_write?offset=5", json={"note": "range"}, headers={"Prefer": "count=exact"})
    error(response, 416, "PGRST103")
    assert written(anon, "range") == 0


def test_a_function_can_set_status_and_headers(anon):
    headers = '[{"X-One": "1"}, {"X-Two": "a"}, {"X-Two": "b"}, {"Content-Type": "text/x"}]'
    response = anon.post("/unkey_test_respond", json={"status": "418", "headers": headers, "note": "teapot"})
    assert (response.status_code, response.json()) == (418, "done")
    assert response.headers["x-one"] == "1"
    assert response.headers.get_list("x-two") == ["a", "b"]
    assert response.headers.get_list("content-type") == ["text/x"]
    assert written(anon, "teapot") == 1
    assert "x-one" not in anon.post("/unkey_test_respond").headers


@pytest.mark.parametrize(("argument", "code"), [
    ({"status": "nonsense"}, "PGRST112"), ({"status": "99"}, "PGRST112"), ({"status": "101"}, "PGRST112"),
    ({"headers": "nonsense"}, "PGRST111"), ({"headers": '{"a": "b"}'}, "PGRST111"), ({"headers": '[{"a": 1}]'}, "PGRST111"),
    *(({"headers": f'[{{"{name}": "{value}"}}]'}, "PGRST111") for name, value in [
        ("Content-Length", "1"), ("Transfer-Encoding", "chunked"), ("Connection", "close"), ("Upgrade", "x"), ("Trailer", "x"),
        ("TE", "trailers"), ("Keep-Alive", "timeout=5"), ("Proxy-Connection", "close")]),
])
def test_nonsense_undoes_the_call(anon, argument, code):
    note = str(argument)
    error(anon.post("/unkey_test_respond", json=argument | {"note": note}), 500, code)
    assert written(anon, note) == 0


@pytest.mark.parametrize(("sqlstate", "status"), [
    ("P0001", 400), ("P0002", 500), ("PT402", 402), ("PT499", 499), ("PTXYZ", 500), ("PT101", 500), ("23503", 409), ("25006", 405), ("28000", 403),
    ("42501", 401), ("42P01", 404), ("53400", 500), ("54000", 500), ("55000", 500), ("58000", 500), ("22012", 400), ("XX000", 500),
])
def test_errors_have_the_status_of_their_sqlstate(anon, sqlstate, status):
    raised = {"sqlstate": sqlstate, "message": "no", "detail": "why", "hint": "else"}
    body = error(anon.post("/unkey_test_raise", json=raised), status, sqlstate)
    assert body == {"code": sqlstate, "message": "no", "details": "why", "hint": "else"}


def test_an_error_can_shape_the_whole_reply(anon):
    response = anon.post("/unkey_test_raise", json={
        "sqlstate": "PGRST", "message": '{"code": "123", "message": "Pay", "details": "first", "hint": null}',
        "detail": '{"status": 402, "headers": {"X-Price": "7", "Content-Length": "7"}}'})
    assert (response.status_code, response.headers["x-price"]) == (402, "7")
    assert response.json() == {"code": "123", "message": "Pay", "details": "first", "hint": None}
    error(anon.post("/unkey_test_raise", json={"sqlstate": "PGRST", "message": "x"}), 500, "PGRST121")


def test_the_next_call_is_not_hurt_by_an_error(anon):
    for _ in range(15):
        anon.post("/unkey_test_raise", json={"sqlstate": "P0001", "message": "no"})
    assert anon.get("/unkey_test_text").json() == "nobody"
