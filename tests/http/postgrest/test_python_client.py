"""What Supabase's Python client does with a result."""

import os

import pytest
from conftest import URL, token
from postgrest import CountMethod, SyncPostgrestClient
from postgrest.exceptions import APIError


def rows(client, **options):
    return client.rpc("unkey_test_rows", {}, **options)


def test_filters_order_and_range(client):
    found = rows(client).select("id, label:name").gt("id", 1).not_.is_("name", None).order("id", desc=True).execute()
    assert [row["id"] for row in found.data] == [4, 2]
    assert found.data[0] == {"id": 4, "label": "four\nlines"}
    assert [row["id"] for row in rows(client, get=True).order("id").range(1, 2).execute().data] == [2, 3]
    assert [row["id"] for row in rows(client).in_("id", [1, 3]).order("id").execute().data] == [1, 3]
    assert [row["id"] for row in rows(client).contains("tags", ["b"]).order("id").execute().data] == [1, 2]
    assert [row["id"] for row in rows(client).or_("id.eq.1,name.is.null").order("id").execute().data] == [1, 3]


def test_count_and_head(client):
    assert rows(client, count=CountMethod.exact).limit(1).execute().count == 4
    assert rows(client, head=True, count=CountMethod.exact).execute().count == 4


def test_single_and_csv(client):
    assert rows(client).eq("id", 1).single().execute().data["name"] == "one"
    with pytest.raises(APIError) as caught:
        rows(client).single().execute()
    assert (caught.value.code, caught.value.details) == ("PGRST116", "The result contains 4 rows")
    assert rows(client).select("id").order("id").csv().execute().data == "id\n1\n2\n3\n4"


def test_errors_say_why():
    with SyncPostgrestClient(URL, headers={"apikey": "anything"}) as anonymous, pytest.raises(APIError) as caught:
        anonymous.rpc("unkey_list_apis", {}).execute()
    assert caught.value.code == "42501"
    with SyncPostgrestClient(URL, headers={"Authorization": "Bearer " + token("web_manager", exp=1)}) as late, pytest.raises(APIError) as caught:
        late.rpc("unkey_list_apis", {}).execute()
    assert (caught.value.code, caught.value.message) == ("PGRST303", "JWT expired")


def test_the_log_has_no_secret(client, manager, key):
    client.rpc("unkey_verify_key", {"key": key["key"]}).execute()
    manager.get("/unkey_verify_key", params={"key": key["key"], "cost": 0})
    manager.get("/unkey_verify_key", params={"kee": key["key"]})
    with open(os.environ["HTTP_LOG"], encoding="utf-8") as log:
        text = log.read()
    assert 'operation="rpc"' in text
    assert key["key"] not in text and "eyJ" not in text
