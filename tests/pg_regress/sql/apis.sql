-- APIs: create, get, list, update, delete.

-- AP-01: an id, and what unkey_get_api says about it.
SELECT unkey_create_api('apis-one') AS api_id \gset
SELECT 'AP-01' AS "case", :'api_id' ~ '^api_[1-9A-HJ-NP-Za-km-z]{8,}$' AS id, api_id = :'api_id' AS same_id, name,
    keyspace_id ~ '^ks_[1-9A-HJ-NP-Za-km-z]{8,}$' AS keyspace, enabled, default_prefix, default_bytes, ip_allowlist,
    delete_protection, created_at BETWEEN now() - interval '1 minute' AND now() + interval '1 minute' AS created,
    updated_at
FROM unkey_get_api(:'api_id');

-- AP-01: all arguments; names are not unique.
SELECT unkey_create_api('apis-one', 'live', 32, '{10.0.0.0/8,::1}', true) AS full_id \gset
SELECT 'AP-01' AS "case", name, enabled, default_prefix, default_bytes, ip_allowlist, delete_protection
FROM unkey_get_api(:'full_id');
SELECT 'AP-01' AS "case", one.name = two.name AS same_name, one.keyspace_id = two.keyspace_id AS same_keyspace
FROM unkey_get_api(:'api_id') AS one, unkey_get_api(:'full_id') AS two;

-- Explicit NULLs are defaults.
SELECT unkey_create_api('apis-nulls', NULL, NULL, NULL, NULL) AS nulls_id \gset
SELECT name, enabled, default_prefix, default_bytes, ip_allowlist, delete_protection
FROM unkey_get_api(:'nulls_id');

-- AP-02: names have 3 to 255 letters, digits, '.', '_' and '-', and start with a letter.
SELECT 'AP-02' AS "case", left(name, 8) AS name, length(name), error.*
FROM unnest(ARRAY['ab', '1abc', repeat('a', 256), '', '-abc', 'a b c', 'a/b', 'caf' || chr(233)]) AS name,
    tests.error(format('SELECT unkey_create_api(%L)', name)) AS error;
SELECT unkey_create_api('abc') AS short_id, unkey_create_api(rpad('A.b_c-9', 255, 'z')) AS long_id \gset
SELECT 'AP-02' AS "case", left(name, 8) AS name, length(name) FROM unkey_get_api(:'short_id');
SELECT 'AP-02' AS "case", left(name, 8) AS name, length(name) FROM unkey_get_api(:'long_id');

-- The other limits of a new API.
SELECT argument, error.*
FROM unnest(ARRAY[
    'default_prefix => ''''', 'default_prefix => ''a-b''', 'default_prefix => ''ninechars''',
    'default_bytes => 15', 'default_bytes => 256', 'default_bytes => -2147483648',
    'ip_allowlist => ''{10.0.0.0/8,NULL}''', 'ip_allowlist => ''{{10.0.0.0/8},{::/0}}'''
]) AS argument, tests.error(format('SELECT unkey_create_api(''apis-limits'', %s)', argument)) AS error;
SELECT error.* FROM tests.error($$
    SELECT unkey_create_api('apis-limits', ip_allowlist => array_agg('10.0.0.1'::cidr)) FROM generate_series(1, 1001)
$$) AS error;
SELECT count(*) FROM unkey.apis WHERE name = 'apis-limits';
SELECT unkey_create_api('apis-edges', 'eight_ch', 255, array_agg('10.0.0.1'::cidr)) AS edges_id
FROM generate_series(1, 1000) \gset
SELECT default_prefix, default_bytes, cardinality(ip_allowlist) AS networks FROM unkey_get_api(:'edges_id');

-- List: by id, page by page, each once; a deleted API is not listed and its id stays good as a cursor.
CREATE FUNCTION pg_temp.walk(page integer) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    found text[] := '{}';
    more text[];
BEGIN
    LOOP
        SELECT array_agg(api_id ORDER BY ordinality) INTO more
        FROM unkey_list_apis(page, found[cardinality(found)]) WITH ORDINALITY;
        EXIT WHEN more IS NULL;
        ASSERT cardinality(more) <= page;
        found := found || more;
    END LOOP;
    RETURN found;
END
$$;
SELECT array_agg(id ORDER BY id COLLATE "C") AS live FROM unkey.apis WHERE deleted_at IS NULL \gset
SELECT pg_temp.walk(page) = :'live'::text[] AS every_api_once_in_order
FROM unnest(ARRAY[1, 2, 100]) AS page;
SELECT min(id COLLATE "C") AS gone FROM unnest(ARRAY[:'nulls_id', :'short_id', :'edges_id']) AS id \gset
SELECT unkey_delete_api(:'gone');
SELECT pg_temp.walk(2) = array_remove(:'live'::text[], :'gone') AS the_others;
SELECT array_agg(api_id ORDER BY ordinality)
    = (SELECT array_agg(id ORDER BY id COLLATE "C") FROM unkey.apis
       WHERE deleted_at IS NULL AND id COLLATE "C" > :'gone') AS goes_on_after_a_deleted_cursor
FROM unkey_list_apis(100, :'gone') WITH ORDINALITY;
SELECT count(*) AS after_the_last FROM unkey_list_apis(100, 'zzz');
SELECT "limit", error.*
FROM unnest(ARRAY[0, -1, 101, 2147483647]) AS "limit",
    tests.error(format('SELECT * FROM unkey_list_apis(%s)', "limit")) AS error;
SELECT count(*) = least(100, cardinality(:'live'::text[]) - 1) AS null_is_100 FROM unkey_list_apis(NULL, NULL);

-- Update: absent keeps.
SELECT unkey_update_api(:'full_id', '{}');
SELECT name, enabled, default_prefix, default_bytes, ip_allowlist, delete_protection, updated_at IS NOT NULL AS updated
FROM unkey_get_api(:'full_id');
-- A value replaces, field by field.
CREATE FUNCTION pg_temp.patched(api_id text, patch jsonb) RETURNS unkey.api_details LANGUAGE plpgsql AS $$
BEGIN
    PERFORM unkey_update_api(api_id, patch);
    RETURN unkey_get_api(api_id);
END
$$;
SELECT patch, name, enabled, default_prefix, default_bytes, ip_allowlist, delete_protection
FROM unnest(ARRAY[
    '{"name": "apis-two"}', '{"enabled": false}', '{"defaultPrefix": "test"}', '{"defaultBytes": 16}',
    '{"ipWhitelist": ["192.168.1.7", "2001:db8::/32"]}', '{"deleteProtection": false}'
]::jsonb[]) AS patch, pg_temp.patched(:'full_id', patch);
-- Bits to the right of the mask mean nothing.
SELECT ip_allowlist FROM pg_temp.patched(:'full_id', '{"ipWhitelist": ["10.1.2.3/8"]}');
-- null clears what can be empty.
SELECT unkey_update_api(:'full_id', '{"defaultPrefix": null, "defaultBytes": null, "ipWhitelist": null}');
SELECT name, enabled, default_prefix, default_bytes, ip_allowlist, delete_protection FROM unkey_get_api(:'full_id');
SELECT unkey_update_api(:'full_id', '{"ipWhitelist": ["10.0.0.1"], "enabled": true}');
SELECT unkey_update_api(:'full_id', '{"ipWhitelist": []}');
SELECT enabled, coalesce(ip_allowlist, '{}') AS ip_allowlist FROM unkey_get_api(:'full_id');
-- Anything else is refused and changes nothing.
SELECT patch, error.*
FROM unnest(ARRAY[
    '{"name": null}', '{"name": "ab"}', '{"name": 5}', '{"enabled": null}', '{"enabled": "yes"}',
    '{"deleteProtection": null}', '{"deleteProtection": 1}', '{"defaultPrefix": ""}', '{"defaultPrefix": "ninechars"}',
    '{"defaultBytes": 15}', '{"defaultBytes": 256}', '{"defaultBytes": 16.5}', '{"ipWhitelist": "10.0.0.1"}',
    '{"ipWhitelist": ["10.0.0"]}', '{"ipWhitelist": [null]}', '{"foo": 1}', '{"id": "api_x"}', '5', 'null'
]) AS patch, tests.error(format('SELECT unkey_update_api(%L, %L)', :'full_id', patch)) AS error;
-- One wrong field, and nothing changes.
SELECT error.* FROM tests.error(format(
    $$SELECT unkey_update_api(%L, '{"name": "apis-three", "defaultBytes": 1000}')$$, :'full_id')) AS error;
SELECT name, enabled, default_prefix, default_bytes, delete_protection FROM unkey_get_api(:'full_id');

-- enabled: while it is false every key answers FORBIDDEN; true again brings them back.
SELECT * FROM unkey_create_key(:'full_id') \gset
SELECT 'enabled' AS api, code FROM unkey_verify_key(:'key');
SELECT unkey_update_api(:'full_id', '{"enabled": false}');
SELECT 'disabled' AS api, valid, code FROM unkey_verify_key(:'key');
SELECT unkey_update_api(:'full_id', '{"enabled": true}');
SELECT 'enabled' AS api, code FROM unkey_verify_key(:'key');

-- AP-05: delete protection.
SELECT unkey_update_api(:'full_id', '{"deleteProtection": true}');
SELECT 'AP-05' AS "case", state, replace(message, :'full_id', '<api>') AS message, hint
FROM tests.error(format('SELECT unkey_delete_api(%L)', :'full_id'));
SELECT 'AP-05' AS "case", code FROM unkey_verify_key(:'key');
SELECT unkey_update_api(:'full_id', '{"deleteProtection": false}');

-- AP-04: deleted, it is gone for every call, and so are its keys.
SELECT 'AP-04' AS "case", unkey_delete_api(:'full_id');
SELECT 'AP-04' AS "case", code, key_id FROM unkey_verify_key(:'key');
SELECT 'AP-04' AS "case", replace(statement, :'full_id', '<api>') AS statement, state,
    replace(replace(message, :'full_id', '<api>'), :'key_id', '<key>') AS message, hint
FROM unnest(ARRAY[
    format('unkey_get_api(%L)', :'full_id'), format('unkey_update_api(%L, ''{}'')', :'full_id'),
    format('unkey_delete_api(%L)', :'full_id'), format('unkey_create_key(%L)', :'full_id'),
    format('unkey_list_keys(%L)', :'full_id'), format('unkey_migrate_keys(%L, ''[]'')', :'full_id')
]) AS statement, tests.error('SELECT ' || statement);
SELECT 'AP-04' AS "case", function, state, replace(message, :'key_id', '<key>') AS message, hint
FROM unnest(ARRAY['get_key', 'delete_key', 'reroll_key']) AS function,
    tests.error(format('SELECT unkey_%s(%L)', function, :'key_id'));
SELECT 'AP-04' AS "case", state, message, hint FROM tests.error(format('SELECT unkey_whoami(%L)', :'key'));
-- Its rows stay.
SELECT 'AP-04' AS "case", api.deleted_at IS NOT NULL AS api_deleted, key.deleted_at IS NOT NULL AS key_deleted
FROM unkey.keys AS key JOIN unkey.apis AS api ON api.id = key.api_id WHERE key.id = :'key_id';

-- Unknown and NULL ids.
SELECT statement, error.*
FROM unnest(ARRAY[
    'unkey_get_api(''api_nope'')', 'unkey_update_api(''api_nope'', ''{}'')', 'unkey_delete_api(''api_nope'')',
    'unkey_create_api(NULL)', 'unkey_get_api(NULL)', 'unkey_update_api(NULL, ''{}'')', 'unkey_delete_api(NULL)'
]) AS statement, tests.error('SELECT ' || statement) AS error;
SELECT state, message FROM tests.error($$SELECT unkey_update_api('api_nope', NULL)$$);
