-- Lists of keys: order, pages, cursors, one owner's keys.
SET datestyle = ISO;
SET timezone = 'UTC';
SELECT unkey_create_api('list-keys') AS list_id, unkey_create_api('list-keys-other') AS api_id \gset

-- LK-01: pages by creation, each key once, also where several were made in the same instant.
SELECT tests.at('2026-01-01 00:00+00');
SELECT count(*) FROM generate_series(1, 3) AS n, unkey_create_key(:'list_id', name => 'same instant ' || n);
SELECT tests.at('2026-01-01 00:00:01+00');
SELECT count(*) FROM unkey_create_key(:'list_id', name => 'last');
SELECT tests.at('2025-12-31 00:00+00');
SELECT count(*) FROM unkey_create_key(:'list_id', name => 'first');
SELECT tests.at(NULL);
SELECT 'LK-01' AS "case", left(name, 12) AS name, created_at FROM unkey_list_keys(:'list_id');
-- Ids and last cursor of a page.
CREATE FUNCTION pg_temp.page(api_id text, "limit" integer, cursor text, OUT ids text[], OUT next text) LANGUAGE plpgsql AS $$
DECLARE
    found unkey.key_details;
BEGIN
    ids := '{}';
    FOR found IN SELECT * FROM unkey_list_keys(api_id, NULL, "limit", cursor) LOOP
        ids := ids || found.key_id;
        next := found.cursor;
    END LOOP;
END
$$;
SELECT * FROM pg_temp.page(:'list_id', 2, NULL) \gset one_
SELECT * FROM pg_temp.page(:'list_id', 2, :'one_next') \gset two_
SELECT * FROM pg_temp.page(:'list_id', 2, :'two_next') \gset three_
SELECT 'LK-01' AS "case", cardinality(:'one_ids'::text[]) AS one, cardinality(:'two_ids'::text[]) AS two,
    cardinality(:'three_ids'::text[]) AS three,
    :'one_ids'::text[] || :'two_ids'::text[] || :'three_ids'::text[]
        = (SELECT array_agg(id ORDER BY created_at, id) FROM unkey.keys WHERE api_id = :'list_id') AS all_in_order,
    (SELECT ids FROM pg_temp.page(:'list_id', 2, :'three_next')) AS after_the_last;
-- The id of the last key read is a cursor too.
SELECT 'LK-01' AS "case", ids = :'three_ids'::text[] AS by_id FROM pg_temp.page(:'list_id', 2, (:'two_ids'::text[])[2]);
-- LK-07: deleted keys are not listed, and the list goes on behind them, even behind one whose row is gone.
SELECT unkey_delete_key((:'one_ids'::text[])[2], permanent => true), unkey_delete_key((:'two_ids'::text[])[2], permanent => false);
SELECT 'LK-07' AS "case", cardinality(listed.ids) AS keys, behind_gone.ids = (:'two_ids'::text[])[:1] AS behind_gone,
    behind_deleted.ids = :'three_ids'::text[] AS behind_deleted
FROM pg_temp.page(:'list_id', NULL, NULL) AS listed, pg_temp.page(:'list_id', 1, :'one_next') AS behind_gone,
    pg_temp.page(:'list_id', 2, :'two_next') AS behind_deleted;

-- LK-02: of one identity, page by page; an unknown one owns nothing.
SELECT count(*) FROM generate_series(1, 5) AS n, unkey_create_key(:'list_id', external_id => CASE WHEN n > 3 THEN 'lk.u2' ELSE 'lk.u1' END);
SELECT count(*) FROM unkey_create_key(:'api_id', external_id => 'lk.u1');
SELECT 'LK-02' AS "case", external_id, count(key_id) AS keys, array_agg(DISTINCT identity->>'externalId') AS owners
FROM unnest(ARRAY['lk.u1', 'lk.u2', 'lk.nobody', '', NULL]) AS external_id
    LEFT JOIN LATERAL unkey_list_keys(:'list_id', external_id) ON true GROUP BY 2 ORDER BY 2;
SELECT cursor FROM unkey_list_keys(:'list_id', 'lk.u1', 2) ORDER BY created_at DESC, key_id DESC LIMIT 1 \gset list1_
SELECT 'LK-02' AS "case", count(*) AS rest, min(identity->>'externalId') AS owner
FROM unkey_list_keys(:'list_id', 'lk.u1', 2, :'list1_cursor');

-- LK-04: an unknown API; and the other mistakes.
SELECT "case", arguments, error.*
FROM (VALUES
    ('LK-04', '''api_nope'''), ('', 'NULL'), ('', ':api, "limit" => 0'), ('', ':api, "limit" => 101'), ('', ':api, "limit" => -2147483648'),
    ('', ':api, cursor => '''''), ('', ':api, cursor => ''nope'''), ('', ':api, cursor => ''key_nope'''), ('', ':api, cursor => ''5'''),
    ('', ':api, cursor => ''9223372036854775807_x'''), ('', ':api, cursor => ''99999999999999999999_x''')
) AS wrong("case", arguments),
    tests.error(format('SELECT * FROM unkey_list_keys(%s)', replace(arguments, ':api', quote_literal(:'list_id')))) AS error;
