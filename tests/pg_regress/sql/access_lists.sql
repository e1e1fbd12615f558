-- Lists of permissions and roles: pages, cursors, search.
SELECT count(unkey_create_permission('al.' || n, 'Al-name ' || n, 'Description ' || n)) AS permissions FROM generate_series(1, 7) AS n;
SELECT count(unkey_create_role('al.role-' || n, 'Description ' || n, ARRAY['al.' || n, 'al.1'])) AS roles FROM generate_series(1, 7) AS n;

-- Every permission and role once, by id, whatever the size of a page.
CREATE FUNCTION pg_temp.walk(function text, page integer, search text DEFAULT NULL) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    found text[] := '{}';
    more text[];
BEGIN
    LOOP
        EXECUTE format('SELECT array_agg(id ORDER BY ordinality) FROM %I($1, $2, $3) WITH ORDINALITY', function)
        INTO more USING page, found[cardinality(found)], search;
        EXIT WHEN more IS NULL;
        ASSERT cardinality(more) <= page;
        found := found || more;
    END LOOP;
    RETURN found;
END
$$;
SELECT page, pg_temp.walk('unkey_list_permissions', page) = (SELECT array_agg(id ORDER BY id COLLATE "C") FROM unkey.permissions) AS permissions,
    pg_temp.walk('unkey_list_roles', page) = (SELECT array_agg(id ORDER BY id COLLATE "C") FROM unkey.roles) AS roles
FROM unnest(ARRAY[3, 100]) AS page;
SELECT page, cardinality(pg_temp.walk('unkey_list_permissions', page, 'al.')) AS permissions,
    cardinality(pg_temp.walk('unkey_list_roles', page, 'al.role-')) AS roles
FROM unnest(ARRAY[1, 2, 7, 8]) AS page;
-- A NULL limit is 100; NULL cursor and search are none.
SELECT count(*) FROM unkey_list_permissions(NULL, NULL, 'Al-name ');
SELECT count(*) FROM unkey_list_roles(NULL, NULL, 'al.role-');

-- What a row shows.
SELECT id ~ '^perm_' AS id, slug, name, description FROM unkey_list_permissions(search => 'al.3');
SELECT id ~ '^role_' AS id, name, description, permissions FROM unkey_list_roles(search => 'al.role-3');

-- Search: a text anywhere in slug, name or description, in any case; % and _ are ordinary characters.
SELECT search, (SELECT array_agg(slug ORDER BY slug) FROM unkey_list_permissions(search => search) WHERE slug LIKE 'al.%') AS permissions,
    (SELECT array_agg(name ORDER BY name) FROM unkey_list_roles(search => search) WHERE name LIKE 'al.%') AS roles
FROM unnest(ARRAY['AL.ROLE-2', 'al.4', 'aL-nAmE 5', 'DESCRIPTION 6', 'al_7', 'al.%', '%', 'Al-name 1 description', 'Description 7' || chr(10), 'al.nothing', '\']) AS search;
SELECT count(*) >= 7 AS empty_search_finds_all FROM unkey_list_permissions(search => '');

-- A cursor stays good when its row is gone; one behind the last gives nothing.
SELECT max(id COLLATE "C") AS last, min(id COLLATE "C") AS first FROM unkey_list_permissions(2, search => 'Al-name ') \gset
SELECT unkey_delete_permission(:'last');
SELECT count(*) AS rest FROM unkey_list_permissions(100, :'last', 'Al-name ');
SELECT count(*) AS rest FROM unkey_list_permissions(100, :'first', 'Al-name ');
SELECT count(*) AS none FROM unkey_list_permissions(100, 'zzz');
SELECT count(*) AS none FROM unkey_list_roles(100, 'zzz');
-- A slug is not a cursor but may stand where one would: only the order counts.
SELECT count(*) AS all_of_them FROM unkey_list_roles(100, '', 'al.role-');

SELECT function, "limit", error.*
FROM unnest(ARRAY['unkey_list_permissions', 'unkey_list_roles']) AS function, unnest(ARRAY[0, -1, 101, 2147483647]) AS "limit",
    tests.error(format('SELECT * FROM %I(%s)', function, "limit")) AS error;
