-- Identities: their own life, and what their keys take from them.
SET datestyle = ISO;
SET timezone = 'UTC';
SELECT tests.at('2026-05-05 10:00+00');
SELECT unkey_create_api('identities') AS api_id \gset

-- ID-01: made by external id, with meta and limits; every character an external id may have, and its limits.
SELECT unkey_create_identity('idn.u1', '{"plan": "pro"}', '[{"name": "a", "limit": 5, "duration": 60000, "autoApply": true}, {"name": "b", "limit": 7, "duration": 1000}]') AS u1_id \gset
SELECT 'ID-01' AS "case", identity_id = :'u1_id' AS same_id, identity_id ~ '^id_' AS id, external_id, meta, created_at, updated_at FROM unkey_get_identity('idn.u1');
SELECT 'ID-01' AS "case", l->>'id' ~ '^rl_' AS id, l - 'id' AS "limit" FROM unkey_get_identity('idn.u1'), jsonb_array_elements(ratelimits) AS l;
SELECT unkey_create_identity('idn.Az09_.-') AS bare_id, unkey_create_identity(rpad('idn.long', 255, 'x'), '{}', '[]') AS long_id \gset
SELECT length(external_id), meta, ratelimits FROM unnest(ARRAY[:'bare_id', :'long_id']) AS id, unkey_get_identity(id);
-- ID-02: taken, whoever made it; a key that names it shares it (CK-17).
SELECT 'ID-02' AS "case", error.* FROM tests.error($$SELECT unkey_create_identity('idn.u1')$$) AS error;
SELECT * FROM unkey_create_key(:'api_id', external_id => 'idn.u1') \gset k1_
SELECT * FROM unkey_create_key(:'api_id', external_id => 'idn.u1') \gset k2_
SELECT * FROM unkey_create_key(:'api_id', external_id => 'idn.by-key') \gset k3_
SELECT 'CK-17' AS "case", identity->>'id' = :'u1_id' AS same_id, identity->'meta' AS meta FROM unnest(ARRAY[:'k1_key', :'k2_key']) AS key, unkey_verify_key(key, ratelimits => '[{"name": "a", "cost": 0}]');
SELECT 'ID-02' AS "case", error.* FROM tests.error($$SELECT unkey_create_identity('idn.by-key')$$) AS error;
-- ID-04: by external id and by id the same; an external id that is another identity's id comes first.
SELECT 'ID-04' AS "case", by_external = by_id AS same FROM unkey_get_identity('idn.u1') AS by_external, unkey_get_identity(:'u1_id') AS by_id;
SELECT unkey_create_identity(:'bare_id') AS other_id \gset
SELECT 'ID-04' AS "case", identity_id = :'other_id' AS external_id_first FROM unkey_get_identity(:'bare_id');
SELECT unkey_delete_identity(:'bare_id');
SELECT 'ID-04' AS "case", external_id AS then_by_id FROM unkey_get_identity(:'bare_id');

-- ID-11: what is refused.
SELECT "case", left(arguments, 60) AS arguments, error.*
FROM (VALUES ('', 'NULL'), ('', ''''''), ('', '''a b'''), ('', '''é'''), ('', '''a:b'''), ('', quote_literal(repeat('e', 256))),
    ('', '''idn.bad'', ''[]'''), ('', '''idn.bad'', ''null'''), ('', '''idn.bad'', (SELECT jsonb_object_agg(n, n) FROM generate_series(1, 101) AS n)'),
    ('ID-11', '''idn.bad'', jsonb_build_object(''m'', repeat(''m'', 1048576))'), ('', '''idn.bad'', NULL, ''{}'''), ('', '''idn.bad'', NULL, ''[{}]'''),
    ('', '''idn.bad'', NULL, ''[{"name": "a", "limit": 0, "duration": 1000}]'''), ('', '''idn.bad'', NULL, ''[{"name": "a", "limit": 1, "duration": 999}]'''),
    ('', '''idn.bad'', NULL, ''[{"name": "a", "limit": 1, "duration": 1000}, {"name": "a", "limit": 2, "duration": 1000}]'''),
    ('', '''idn.bad'', NULL, (SELECT jsonb_agg(jsonb_build_object(''name'', ''n'' || n, ''limit'', 1, ''duration'', 1000)) FROM generate_series(1, 51) AS n)'))
    AS wrong("case", arguments), tests.error(format('SELECT unkey_create_identity(%s)', arguments)) AS error;
SELECT reference, error.* FROM unnest(ARRAY['idn.none', '', 'id_none', NULL]) AS reference, unnest(ARRAY['get', 'delete']) AS function,
    tests.error(format('SELECT unkey_%s_identity(%L)', function, reference)) AS error;
-- Exactly the largest meta.
SELECT unkey_create_identity('idn.largest', jsonb_build_object('m', repeat('m', 1048576 - 9))) ~ '^id_' AS made;
SELECT octet_length(meta::text) FROM unkey_get_identity('idn.largest');

-- ID-05: limits replaced as a set: a keeps its id, b goes, c comes. What a counted stays counted.
SELECT tests.limits(ratelimits) FROM unkey_verify_key(:'k1_key');
SELECT ratelimits->0->>'id' AS a_id FROM unkey_get_identity('idn.u1') \gset
SELECT tests.at('2026-05-05 10:01+00');
SELECT unkey_update_identity('idn.u1', '{"ratelimits": [{"name": "c", "limit": 1, "duration": 3600000}, {"name": "a", "limit": 2, "duration": 3600000, "autoApply": true}]}');
SELECT 'ID-05' AS "case", l->>'name' AS name, l->>'id' = :'a_id' AS same_id, l->>'limit' AS "limit", meta, updated_at FROM unkey_get_identity('idn.u1'), jsonb_array_elements(ratelimits) AS l;
SELECT 'ID-05' AS "case", code, tests.limits(ratelimits) FROM unkey_verify_keys(ARRAY[:'k1_key', :'k2_key', :'k1_key']);
SELECT unkey_update_identity(:'u1_id', '{"ratelimits": [{"name": "a", "limit": 4, "duration": 3600000, "autoApply": true}]}');
SELECT 'ID-05' AS "case", code, tests.limits(ratelimits) FROM unkey_verify_keys(ARRAY[:'k2_key', :'k1_key', :'k2_key']);
-- Absent keeps, an object replaces, null clears meta, [] clears the limits.
CREATE FUNCTION pg_temp.after(patch jsonb, OUT meta jsonb, OUT limits integer) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM unkey_update_identity('idn.u1', patch);
    SELECT identity.meta, jsonb_array_length(identity.ratelimits) INTO meta, limits FROM unkey_get_identity('idn.u1') AS identity;
END
$$;
SELECT patch, after.* FROM unnest(ARRAY['{}', '{"meta": {"a": 1, "b": [1.10]}}', '{"meta": {"b": 2}}', '{"meta": null}', '{"meta": {"c": 3}}', '{"ratelimits": []}', '{"meta": {}}', '{"meta": {"d": 4}}']::jsonb[])
    WITH ORDINALITY AS patches(patch, at), pg_temp.after(patch) AS after;
-- ID-07: names twice, and the rest of what a patch may not hold; nothing changes then.
SELECT "case", left(patch, 60) AS patch, error.*
FROM (VALUES ('ID-07', '{"meta": {"x": 1}, "ratelimits": [{"name": "a", "limit": 1, "duration": 1000}, {"name": "a", "limit": 1, "duration": 1000}]}'), ('', '{"externalId": "idn.new"}'),
    ('', '{"ratelimits": null}'), ('', '{"ratelimits": [{"name": "a", "limit": "1", "duration": 1000}]}'), ('', '{"meta": []}'), ('', '[]'), ('', NULL),
    ('', jsonb_build_object('meta', jsonb_build_object('m', repeat('m', 1048576)))::text)) AS wrong("case", patch), tests.error(format('SELECT unkey_update_identity(%L, %L)', 'idn.u1', patch)) AS error;
SELECT error.* FROM unnest(ARRAY['idn.none', NULL]) AS reference, tests.error(format('SELECT unkey_update_identity(%L, ''{}'')', reference)) AS error;
SELECT meta, ratelimits FROM unkey_get_identity('idn.u1');

-- ID-08: deleted, its keys go on without it, from the next call on; the external id is free, and a new identity is not theirs.
SELECT unkey_update_identity('idn.u1', '{"ratelimits": [{"name": "a", "limit": 1, "duration": 86400000, "autoApply": true}]}');
SELECT 'ID-08' AS "case", code, identity->>'externalId' AS owner FROM unkey_verify_keys(ARRAY[:'k1_key', :'k2_key']);
SELECT unkey_delete_identity(:'u1_id');
SELECT 'ID-08' AS "case", code, identity, ratelimits FROM unkey_verify_keys(ARRAY[:'k1_key', :'k2_key']);
SELECT 'ID-08' AS "case", identity FROM unkey_get_key(:'k1_key_id');
SELECT 'ID-08' AS "case", statement, error.* FROM unnest(ARRAY['get_identity(''idn.u1'')', 'delete_identity(''idn.u1'')', 'update_identity(''idn.u1'', ''{}'')']) AS statement, tests.error('SELECT unkey_' || statement) AS error;
SELECT 'ID-08' AS "case", error.state FROM tests.error(format('SELECT unkey_delete_identity(%L)', :'u1_id')) AS error;
SELECT 'ID-08' AS "case", unkey_create_identity('idn.u1') <> :'u1_id' AS new_id;
SELECT 'ID-08' AS "case", code, identity FROM unkey_verify_key(:'k1_key');
SELECT unkey_update_key(:'k1_key_id', '{"externalId": "idn.u1"}');
SELECT 'ID-08' AS "case", code, identity->>'externalId' AS owner FROM unkey_verify_key(:'k1_key');
SELECT count(*) AS keys_of_owner FROM unkey_list_keys(:'api_id', 'idn.u1');

-- ID-10: pages without duplicates, whatever their size; search in external id and id, any case, nothing special in it.
SELECT count(unkey_create_identity('idn.Page-' || n)) AS made FROM generate_series(1, 7) AS n;
CREATE FUNCTION pg_temp.walk(page integer, search text) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    found text[] := '{}';
    more text[];
BEGIN
    LOOP
        SELECT array_agg(identity_id ORDER BY ordinality) INTO more FROM unkey_list_identities(page, found[cardinality(found)], search) WITH ORDINALITY;
        EXIT WHEN more IS NULL;
        ASSERT cardinality(more) <= page;
        found := found || more;
    END LOOP;
    RETURN found;
END
$$;
SELECT 'ID-10' AS "case", page, pg_temp.walk(page, search) = (SELECT array_agg(id ORDER BY id COLLATE "C") FROM unkey.identities
    WHERE deleted_at IS NULL AND external_id LIKE coalesce(search || '%', '%')) AS all_once FROM unnest(ARRAY[1, 3, 7, 8, 100]) AS page, unnest(ARRAY['idn.Page', NULL]) AS search;
SELECT search, (SELECT array_agg(external_id ORDER BY external_id) FROM unkey_list_identities(search => search)) AS found FROM unnest(ARRAY['N.PAGE-2', 'idn_page-1', 'idn.%', 'idn.nothing']) AS search;
SELECT length(external_id) AS found_by_id FROM unkey_list_identities(search => lower(:'long_id'));
SELECT count(*) FROM unkey_list_identities(NULL, NULL, 'idn.page');
SELECT count(*) AS none FROM unkey_list_identities(cursor => 'zzz');
SELECT "limit", error.* FROM unnest(ARRAY[0, 101]) AS "limit", tests.error(format('SELECT * FROM unkey_list_identities(%s)', "limit")) AS error;
SELECT tests.at(NULL);
