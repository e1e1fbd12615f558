"""Lists over three pages, through the client's iterator."""

from client import HOUR, client, new_api, new_key, new_namespace, plain, unique, unkey


def _pages(page):
    """What the iterator yields, page by page."""
    pages = []
    while page is not None:
        pages.append(page.result)
        page = page.next()
    return pages


def _assert_three_pages(listed, id, made):
    """Five rows come as pages of two, two and one, each row once and in the order that one long page has."""
    pages = _pages(listed(limit=2))
    assert [(len(page.data), page.pagination.has_more) for page in pages] == [(2, True), (2, True), (1, False)]
    assert plain(pages[2].pagination) == {"hasMore": False}
    (whole,) = _pages(listed(limit=100))
    rows = [row for page in pages for row in page.data]
    assert rows == whole.data
    assert sorted(getattr(row, id) for row in rows) == sorted(made)


def test_list_keys():
    api_id = new_api()
    made = [new_key(api_id).key_id for _ in range(5)]
    _assert_three_pages(lambda limit: unkey.apis.list_keys(api_id=api_id, limit=limit), "key_id", made)


def test_list_identities():
    search = unique("list")
    made = [unkey.identities.create_identity(external_id=unique(search)).data.identity_id for _ in range(5)]
    _assert_three_pages(lambda limit: unkey.identities.list_identities(search=search, limit=limit), "id", made)


def test_list_permissions():
    search = unique("list")
    made = [unkey.permissions.create_permission(name="Listed", slug=unique(search)).data.permission_id for _ in range(5)]
    _assert_three_pages(lambda limit: unkey.permissions.list_permissions(search=search, limit=limit), "id", made)


def test_list_roles():
    search = unique("list")
    made = [unkey.permissions.create_role(name=unique(search)).data.role_id for _ in range(5)]
    _assert_three_pages(lambda limit: unkey.permissions.list_roles(search=search, limit=limit), "id", made)


def test_list_overrides():
    namespace = new_namespace()
    made = [
        unkey.ratelimit.set_override(namespace=namespace, identifier=unique("user"), limit=1, duration=HOUR).data.override_id for _ in range(5)
    ]
    _assert_three_pages(lambda limit: unkey.ratelimit.list_overrides(namespace=namespace, limit=limit), "override_id", made)


def test_list_root_keys():
    # Root keys are listed to those that hold as much, in pages that leave the others out.
    permission = f"api.{new_api()}.read_api"
    made = [unkey.root_keys.create_key(permissions=[permission]).data for _ in range(5)]
    pages = _pages(client(made[0].key).root_keys.list_keys(limit=2))
    listed = [row.key_id for page in pages for row in page.data if row.permissions == [permission]]
    assert sorted(listed) == sorted(key.key_id for key in made)
    assert len(listed) == 5 and len(pages) >= 3
    assert [page.pagination.has_more for page in pages] == [True] * (len(pages) - 1) + [False]


def test_an_empty_list_is_one_page_without_rows():
    assert [page.data for page in _pages(unkey.apis.list_keys(api_id=new_api()))] == [[]]
