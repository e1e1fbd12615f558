"""What becomes of a result on its way out: columns, rows, order, range, form, count."""

import csv
import io

import pytest
from conftest import error

ROWS = "/unkey_test_rows"


def ids(client, query):
    response = client.get(ROWS, params=query)
    assert response.status_code == 200, response.text
    return [row["id"] for row in response.json()]


@pytest.mark.parametrize(("name", "value", "expected"), [
    ("id", "eq.1", [1]), ("id", "neq.1", [2, 3, 4]), ("id", "gt.2", [3, 4]), ("id", "gte.2", [2, 3, 4]),
    ("id", "lt.2", [1]), ("id", "lte.2", [1, 2]), ("id", "in.(1,3)", [1, 3]), ("id", "in.()", []),
    ("id", "not.in.(1,3)", [2, 4]), ("id", "not.eq.1", [2, 3, 4]), ("id", "eq(any).{1,4}", [1, 4]),
    ("id", "gt(all).{1,2}", [3, 4]),
    ("name", "like.*o,*", [2]), ("name", "like.*o*", [1, 2, 4]), ("name", "ilike.ONE", [1]), ("name", "like(any).{o*,f*}", [1, 4]),
    ("name", "match.^o", [1]), ("name", "imatch.^O", [1]), ("name", "is.null", [3]), ("name", "not.is.null", [1, 2, 4]),
    ("name", "is.not_null", [1, 2, 4]), ("name", "isdistinct.one", [2, 3, 4]), ("name", "fts.one", [1]),
    ("name", "plfts(english).with quotes", [2]), ("name", "phfts.with quotes", [2]), ("name", "wfts.quotes or four", [2, 4]),
    ("name", 'in.("two, with \\"quotes\\" and a \\\\ backslash",one)', [1, 2]),
    ("tags", "cs.{b}", [1, 2]), ("tags", "cd.{b,c}", [2, 3]), ("tags", "ov.{a,z}", [1]),
    ("meta", 'cs.{"n": 5}', [1]), ("meta->n", "gt.5", [2]), ("meta->plan->>name", "eq.free", [1]),
    ("meta->plan->seats->0", "eq.1", [1]), ("tags->0", 'eq."a"', [1]), ("at", "gte.2026-06-01T12:30:00Z", [2, 4]),
    ("or", "(id.eq.1,and(id.gt.2,name.is.null))", [1, 3]), ("not.or", "(id.eq.1,id.eq.2)", [3, 4]),
    ("and", '(name.like."*,*",id.gt.1)', [2]),
])
def test_filters(anon, name, value, expected):
    assert ids(anon, {name: value, "order": "id"}) == expected


def test_conditions_on_the_same_field_all_count(anon):
    assert ids(anon, [("id", "gt.1"), ("id", "lt.4")]) == [2, 3]


def test_filters_of_a_post_and_of_what_is_not_selected(anon):
    response = anon.post(ROWS + "?id=eq.1&select=name", json={})
    assert response.json() == [{"name": "one"}]


def test_filters_on_values(anon):
    assert anon.get("/unkey_test_numbers?most=5&value=gt.3&order=value.desc").json() == [5, 4]


def test_select(anon):
    response = anon.get(ROWS, params={"select": "nr:id,name,plan:meta->plan->>name,meta->n,id::text", "id": "eq.1"})
    assert response.json() == [{"nr": 1, "name": "one", "plan": "free", "n": 5, "id": "1"}]
    assert list(anon.get(ROWS, params={"id": "eq.1"}).json()[0]) == ["id", "name", "tags", "meta", "at"]


def test_a_column_can_be_called_anything(anon):
    response = anon.get(ROWS, params={"select": 'page:id,call:id,"a ""b\\"":id', "id": "eq.1"})
    assert response.status_code == 400
    response = anon.get(ROWS, params={"select": 'page:id,call:id,result:id', "id": "eq.1"})
    assert response.json() == [{"page": 1, "call": 1, "result": 1}]


@pytest.mark.parametrize(("order", "expected"), [
    ("id.desc", [4, 3, 2, 1]), ("name", [4, 1, 2, 3]), ("name.nullsfirst", [3, 4, 1, 2]),
    ("name.desc.nullslast", [2, 1, 4, 3]), ("meta->plan->>name.desc.nullslast,id.desc", [2, 1, 4, 3]),
])
def test_order(anon, order, expected):
    assert ids(anon, {"order": order}) == expected


def test_order_by_what_is_not_selected(anon):
    assert anon.get(ROWS, params={"order": "id.desc", "select": "id:name"}).json()[0] == {"id": "four\nlines"}


@pytest.mark.parametrize("query", [
    "select=", "select=id,,name", "select=id::text FROM x", "order=id.up", "limit=x", "or=(id.eq.1", "id=is.maybe",
])
def test_what_can_not_be_read_is_400(anon, query):
    response = anon.post(ROWS + "?" + query, json={})
    if query == "select=":
        assert len(response.json()) == 4
    else:
        error(response, 400, "PGRST100")


def test_what_the_database_can_not_do_is_its_error(anon):
    error(anon.get(ROWS + "?select=nothing"), 400, "42703")
    error(anon.get(ROWS + "?id=eq.x"), 400, "22P02")
    error(anon.get(ROWS + "?id=like.x"), 404, "42883")
    error(anon.get(ROWS + "?select=id::nothing"), 400, "42704")
    error(anon.get(ROWS + "?select=id,other(id)"), 400, "PGRST200")
    error(anon.get(ROWS + "?other.id=eq.1"), 400, "PGRST108")


@pytest.mark.parametrize("attempt", [
    "'; DROP TABLE tests_written; --", '"; DROP TABLE tests_written; --', "$$; DROP TABLE tests_written; $$",
    "1) OR (1=1", "a\0b", "\\'; DROP TABLE tests_written; --",
])
def test_nothing_gets_out_of_its_place(anon, attempt):
    responses = [
        anon.get(ROWS, params={"name": "eq." + attempt}),
        anon.get(ROWS, params={"select": attempt}),
        anon.get(ROWS, params={"select": f'"{attempt}"'}),
        anon.get(ROWS, params={"select": f"{attempt}:id"}),
        anon.get(ROWS, params={"select": f"id::{attempt}"}),
        anon.get(ROWS, params={"order": attempt}),
        anon.get(ROWS, params={attempt: "eq.1"}),
        anon.get(ROWS, params={f"meta->>{attempt}": "eq.1"}),
        anon.get(ROWS, params={"name": f"fts({attempt}).x"}),
        anon.get(ROWS, params={"name": f"in.({attempt})"}),
        anon.get(ROWS, params={"id": "eq." + attempt}),
        anon.get("/unkey_test_text", params={"name": attempt}),
        anon.post(ROWS, params={"limit": attempt}, json={}),
        anon.post("/unkey_test_text", json={attempt: 1}),
        anon.post("/unkey_test_text", json={"name": attempt}),
    ]
    # Read as what it is, or refused by us; never a mistake in the statement.
    codes = {response.json()["code"] for response in responses if response.status_code != 200}
    assert codes <= {"PGRST100", "PGRST108", "PGRST200", "PGRST202", "42602", "42703", "42704", "22P02", "22P05"}
    if "\0" not in attempt:
        assert responses[-1].json() == attempt
    assert anon.get("/unkey_test_written?note=none").json() == 0


def test_limit_and_offset(anon):
    response = anon.get(ROWS + "?order=id&limit=2&offset=1")
    assert [row["id"] for row in response.json()] == [2, 3]
    assert (response.status_code, response.headers["content-range"]) == (200, "1-2/*")
    response = anon.get(ROWS + "?order=id&limit=2&offset=1", headers={"Prefer": "count=exact"})
    assert (response.status_code, response.headers["content-range"]) == (206, "1-2/4")
    assert response.headers["preference-applied"] == "count=exact"
    response = anon.get(ROWS + "?limit=0")
    assert (response.json(), response.headers["content-range"]) == ([], "*/*")


def test_the_range_header_is_for_get(anon):
    header = {"Range-Unit": "items", "Range": "1-2", "Prefer": "count=exact"}
    got = anon.get(ROWS + "?order=id", headers=header)
    assert (got.status_code, got.headers["content-range"], len(got.json())) == (206, "1-2/4", 2)
    for other in (anon.post(ROWS, headers=header, json={}), anon.head(ROWS, headers=header)):
        assert (other.status_code, other.headers["content-range"]) == (200, "0-3/4")


def test_a_range_after_the_end_is_416(anon):
    response = anon.get(ROWS + "?offset=9", headers={"Prefer": "count=exact"})
    error(response, 416, "PGRST103")
    assert response.headers["content-range"] == "*/4"
    assert anon.get(ROWS + "?offset=9").json() == []
    error(anon.get(ROWS, headers={"Range": "5-2"}), 416, "PGRST103")
    error(anon.get(ROWS + "?limit=-1"), 416, "PGRST103")


@pytest.mark.parametrize("how", ["exact", "planned", "estimated"])
def test_counts_are_exact(anon, how):
    response = anon.get(ROWS + "?id=gt.1&limit=1", headers={"Prefer": "count=" + how})
    assert (response.status_code, response.headers["content-range"]) == (206, "0-0/3")
    response = anon.get("/unkey_test_text", headers={"Prefer": "count=" + how})
    assert (response.status_code, response.headers["content-range"]) == (200, "0-0/1")


def test_arguments_come_before_limit_on_get(manager):
    for name in ("one", "two", "three"):
        manager.post("/unkey_create_role", json={"name": "shaping." + name})
    assert len(manager.get("/unkey_list_roles?limit=2").json()) == 2
    error(manager.get("/unkey_list_roles?limit=1000"), 400, "22023")
    assert len(manager.post("/unkey_list_roles?limit=1", json={"limit": 3}).json()) == 1


def accepted(client, accept, path=ROWS, **query):
    return client.get(path, params=query, headers={"Accept": accept})


def test_an_object_is_exactly_one(anon):
    response = accepted(anon, "application/vnd.pgrst.object+json", id="eq.3")
    assert response.json() == {"id": 3, "name": None, "tags": [], "meta": None, "at": None}
    assert response.headers["content-type"] == "application/vnd.pgrst.object+json; charset=utf-8"
    response = accepted(anon, "application/vnd.pgrst.object+json;nulls=stripped", id="eq.3")
    assert response.json() == {"id": 3, "tags": []}
    for query, count in (({"id": "gt.9"}, 0), ({}, 4)):
        body = error(accepted(anon, "application/vnd.pgrst.object+json", **query), 406, "PGRST116")
        assert body["details"] == f"The result contains {count} rows"


def test_arrays_may_leave_out_nulls(anon):
    response = accepted(anon, "application/vnd.pgrst.array+json;nulls=stripped", select="id,name", order="id")
    assert response.json()[2] == {"id": 3}
    assert accepted(anon, "application/vnd.pgrst.array+json", id="eq.3", select="name").json() == [{"name": None}]


def test_csv_reads_back(anon):
    response = accepted(anon, "text/csv", order="id", select="id,label:name,tags")
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.reader(io.StringIO(response.text)))
    assert rows[0] == ["id", "label", "tags"]
    assert rows[1] == ["1", "one", "{a,b}"]
    assert rows[2] == ["2", 'two, with "quotes" and a \\ backslash', "{b}"]
    assert rows[3] == ["3", "", "{}"]
    assert rows[4] == ["4", "four\nlines", ""]
    assert accepted(anon, "text/csv", id="gt.9", select="id").text == "id"
    assert accepted(anon, "text/csv", "/unkey_test_numbers", most=2).text == "value\n1\n2"


def test_a_value_can_be_had_bare(anon):
    response = accepted(anon, "text/plain", "/unkey_test_text", name='a "b"')
    assert (response.text, response.headers["content-type"]) == ('a "b"', "text/plain; charset=utf-8")
    response = accepted(anon, "application/octet-stream", "/unkey_test_text", name="a")
    assert (response.content, response.headers["content-type"]) == (b"a", "application/octet-stream")
    response = accepted(anon, "application/octet-stream", "/unkey_test_bytes", hex="00ff41")
    assert (response.content, response.headers["content-type"]) == (b"\x00\xffA", "application/octet-stream")
    assert accepted(anon, "application/octet-stream", "/unkey_test_bytes").content == b""
    assert accepted(anon, "text/plain", "/unkey_test_bytes", hex="00ff41").text == r"\x00ff41"
    assert accepted(anon, "application/json", "/unkey_test_bytes", hex="00ff41").json() == r"\x00ff41"


def test_other_forms_are_406(anon):
    error(accepted(anon, "image/png"), 406, "PGRST107")
    error(accepted(anon, "text/plain"), 406, "PGRST107")
    assert accepted(anon, "image/png, */*;q=0.1").status_code == 200


def test_preferences(anon):
    def preferred(preference, path=ROWS):
        return anon.post(path, json={}, headers={"Prefer": preference})

    assert preferred("foo=bar").status_code == 200
    body = error(preferred("handling=strict, foo=bar, baz"), 400, "PGRST122")
    assert body["details"] == "not understood: foo=bar, baz"
    assert preferred("handling=strict, return=minimal, missing=default, tx=rollback").status_code == 200
    assert preferred("handling=strict, max-affected=4").headers["preference-applied"] == "handling=strict, max-affected=4"
    error(preferred("handling=strict, max-affected=3"), 400, "PGRST124")
    assert preferred("max-affected=3").status_code == 200
    error(preferred("handling=strict, max-affected=3", "/unkey_test_text"), 400, "PGRST128")


def test_instants_in_another_time_zone(anon):
    response = anon.get(ROWS + "?id=eq.1", headers={"Prefer": "timezone=America/Los_Angeles"})
    assert response.json()[0]["at"] == "2025-12-31T16:00:00-08:00"
    assert response.headers["preference-applied"] == "timezone=America/Los_Angeles"
    assert anon.get(ROWS + "?id=eq.1").json()[0]["at"] == "2026-01-01T00:00:00+00:00"
    response = anon.get(ROWS + "?id=eq.1", headers={"Prefer": "timezone=Jupiter/Red_Spot, count=exact"})
    assert response.json()[0]["at"] == "2026-01-01T00:00:00+00:00"
    assert response.headers["preference-applied"] == "count=exact"
    body = error(anon.get(ROWS, headers={"Prefer": "handling=strict, timezone=Jupiter/Red_Spot"}), 400, "PGRST122")
    assert body["details"] == "not understood: timezone=Jupiter/Red_Spot"
