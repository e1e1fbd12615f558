-- The tables are public: hand-written SQL is held to the same rules as the functions, and takes effect at once.
SELECT unkey_create_api('constraints') AS api_id \gset
SELECT key_id FROM unkey_create_key(:'api_id', external_id => 'cs.u1', permissions => '{cs.p1}', credits => 1) \gset
SELECT unkey_create_role('cs.r1', permissions => '{cs.p1}') AS role_id \gset
SELECT id AS identity_id FROM unkey.identities WHERE external_id = 'cs.u1' \gset
SELECT id AS permission_id FROM unkey.permissions WHERE slug = 'cs.p1' \gset
INSERT INTO unkey.migrations (id) VALUES ('cs.m');
INSERT INTO unkey.key_roles VALUES (:'key_id', :'role_id');
INSERT INTO unkey.root_keys (hash) VALUES (sha256('cs.root'));
INSERT INTO unkey.encryption_keys VALUES ('kek_cs', repeat('0', 16), decode(repeat('00', 72), 'hex'));
INSERT INTO unkey.encrypted_keys VALUES (:'key_id', 'kek_cs', decode(repeat('00', 41), 'hex'));
INSERT INTO unkey.counters VALUES ('cs', 'cs', 1000, 1, 0, 0);
INSERT INTO unkey.rolled_up (until) VALUES ('2000-01-01') ON CONFLICT DO NOTHING;
INSERT INTO unkey.saved_counters VALUES (md5('cs')::uuid, 1000, 1, 0, 0);
SELECT unkey_set_override(unkey_create_namespace('cs.ns'), 'cs', 1, '1 minute') AS override_id \gset
SELECT unkey.seal_audit_log() > 0 AS sealed;
INSERT INTO unkey.verification_queue (request_id, key_space_id, api_id, key_id, outcome) VALUES ('req_cs', 'ks_cs', 'api_cs', 'key_cs', 'VALID');
INSERT INTO unkey.ratelimit_queue (request_id, namespace_id, identifier, passed, "limit", remaining, reset_at, tokens) VALUES ('req_cs', 'rlns_cs', 'cs', true, 1, 0, now(), 1);
INSERT INTO unkey.verification_hours VALUES ('2025-01-01', 'ks_cs', 'api_cs', 'key_cs', NULL, NULL, 'VALID', '{}', 'cs', 1, 0);
INSERT INTO unkey.verification_days VALUES ('2025-01-01', 'ks_cs', 'api_cs', 'key_cs', NULL, NULL, 'VALID', '{}', 'cs', 1, 0);
INSERT INTO unkey.ratelimit_hours VALUES ('2025-01-01', 'rlns_cs', 'cs', 1, 1, 1, 1);
INSERT INTO unkey.ratelimit_days VALUES ('2025-01-01', 'rlns_cs', 'cs', 1, 1, 1, 1);
INSERT INTO unkey.key_usage VALUES ('key_cs', '2025-01-01');
INSERT INTO unkey.requests VALUES (:'key_id', 'cs', sha256(''), '{}');
INSERT INTO unkey.last_maintenance (finished_at, drained) VALUES (now(), 0) ON CONFLICT DO NOTHING;
-- SQLSTATE of a statement, and the constraint or column that refused it.
CREATE FUNCTION pg_temp.refused(statement text, OUT state text, OUT refused_by text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    state := '00000';
EXCEPTION
    WHEN not_null_violation THEN GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, refused_by = COLUMN_NAME;
    WHEN OTHERS THEN GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, refused_by = CONSTRAINT_NAME;
END
$$;

-- CHECK (23514), one column after the other.
SELECT tab, col, CASE WHEN length(value) > 40 THEN left(value, 37) || '...' ELSE value END AS value, refused.*
FROM (VALUES
    ('secrets', 'value', '''short''::bytea'),
    ('verification_queue', 'key_id', 'repeat(''k'', 256)'), ('verification_queue', 'external_id', 'repeat(''e'', 256)'), ('verification_queue', 'spent_credits', '-1'),
    ('verification_queue', 'time', '''infinity'''), ('ratelimit_queue', 'namespace_id', 'repeat(''n'', 256)'), ('ratelimit_queue', 'identifier', 'repeat(''i'', 256)'), ('ratelimit_queue', 'tokens', '-1'),
    ('verification_hours', 'count', '0'), ('verification_days', 'spent_credits', '-1'), ('ratelimit_hours', 'passed', '2'), ('ratelimit_days', 'passed_tokens', '-1'), ('key_usage', 'last_used_at', '''infinity'''),
    ('apis', 'id', '''a'''), ('apis', 'id', '''has space'''), ('apis', 'keyspace_id', '''k-1'''), ('apis', 'name', '''ab'''), ('apis', 'name', '''1abc'''),
    ('apis', 'name', 'repeat(''a'', 256)'), ('apis', 'default_prefix', ''''''), ('apis', 'default_prefix', '''ninechars'''), ('apis', 'default_prefix', '''a-b'''),
    ('apis', 'default_bytes', '15'), ('apis', 'default_bytes', '256'), ('apis', 'ip_allowlist', '''{10.0.0.0/8,NULL}'''),
    ('apis', 'ip_allowlist', 'array_fill(''10.0.0.1''::cidr, ''{1001}'')'),
    ('identities', 'id', '''x'''), ('identities', 'external_id', ''''''), ('identities', 'external_id', '''a b'''), ('identities', 'external_id', 'repeat(''e'', 256)'),
    ('identities', 'meta', '''[]'''), ('identities', 'meta', '''null'''), ('identities', 'meta', 'jsonb_build_object(''m'', repeat(''m'', 1048576))'),
    ('identities', 'meta', '(SELECT jsonb_object_agg(n, n) FROM generate_series(1, 101) AS n)'), ('identities', 'ratelimits', '''{}'''),
    ('permissions', 'id', '''x'''), ('permissions', 'slug', ''''''), ('permissions', 'slug', '''a b'''), ('permissions', 'slug', 'repeat(''p'', 129)'),
    ('permissions', 'name', ''''''), ('permissions', 'name', 'repeat(''n'', 513)'), ('permissions', 'description', 'repeat(''d'', 513)'),
    ('roles', 'id', '''x'''), ('roles', 'name', ''''''), ('roles', 'name', '''1r'''), ('roles', 'name', '''a b'''), ('roles', 'name', 'repeat(''r'', 513)'),
    ('roles', 'description', 'repeat(''d'', 513)'), ('migrations', 'id', ''''''), ('migrations', 'id', 'repeat(''m'', 257)'), ('migrations', 'algorithm', '''md5'''),
    ('keys', 'id', '''x'''), ('keys', 'id', '''key-1'''), ('keys', 'hash', '''short''::bytea'), ('keys', 'expires', '''1969-12-31 23:59:59.999+00'''),
    ('keys', 'expires', '''2100-01-01 00:00:00.001+00'''), ('keys', 'expires', '''infinity'''), ('keys', 'refill_amount', '0'), ('keys', 'refill_day', '0, refill_amount = 5'),
    ('keys', 'refill_day', '32, refill_amount = 5'), ('keys', 'refill_day', '5'), ('keys', 'prefix', ''''''), ('keys', 'prefix', '''a-b'''), ('keys', 'prefix', 'repeat(''p'', 17)'),
    ('keys', 'start', 'repeat(''s'', 51)'), ('keys', 'name', ''''''), ('keys', 'name', 'repeat(''n'', 256)'), ('keys', 'meta', '''"x"'''),
    ('keys', 'meta', '(SELECT jsonb_object_agg(n, n) FROM generate_series(1, 101) AS n)'), ('keys', 'ip_allowlist', '''{NULL}'''),
    ('ratelimit_namespaces', 'id', '''x'''), ('ratelimit_namespaces', 'name', ''''''), ('ratelimit_namespaces', 'name', 'repeat(''n'', 256)'), ('ratelimit_overrides', 'id', '''x'''),
    ('ratelimit_overrides', 'identifier', ''''''), ('ratelimit_overrides', 'identifier', 'repeat(''i'', 256)'), ('ratelimit_overrides', 'limit', '-1'), ('ratelimit_overrides', 'duration', '999'),
    ('credits', 'remaining', '-1'), ('requests', 'idempotency_key', ''''''), ('requests', 'idempotency_key', 'repeat(''r'', 256)'), ('requests', 'fingerprint', '''short''::bytea'), ('requests', 'answer', 'to_jsonb(repeat(''a'', 65535))')
) AS wrong(tab, col, value), pg_temp.refused(format('UPDATE unkey.%I SET %I = %s', tab, col, value)) AS refused;
-- Limits in a column are held to the same form as limits of unkey_create_key.
SELECT tab, ratelimits, refused.*
FROM unnest(ARRAY['keys', 'identities']) AS tab, unnest(ARRAY[
    '{}', 'null', '5', '[5]', '[{}]', '[null]', '[{"id": "rl_x", "name": "", "limit": 1, "duration": 1000}]', '[{"id": "rl_x", "name": "l", "limit": 0, "duration": 1000}]',
    '[{"id": "rl_x", "name": "l", "limit": 1, "duration": 999}]', '[{"id": "rl_x", "name": "l", "limit": "1", "duration": 1000}]', '[{"id": "rl_x", "name": "l", "limit": 1.5, "duration": 1000}]',
    '[{"name": "l", "limit": 1, "duration": 1000}]', '[{"id": "", "name": "l", "limit": 1, "duration": 1000}]', '[{"id": "rl_x", "name": "l", "limit": 1, "duration": 1000, "autoApply": 1}]',
    '[{"id": "rl_x", "name": "l", "limit": 1, "duration": 1000}, {"id": "rl_y", "name": "l", "limit": 1, "duration": 1000}]', '[["rl_x", "l", 1, 1000]]'
]) AS ratelimits, pg_temp.refused(format('UPDATE unkey.%I SET ratelimits = %L', tab, ratelimits)) AS refused WHERE tab = 'keys' OR ratelimits LIKE '[{}]';
SELECT refused.* FROM unnest(ARRAY['999, 0, 0', '1000, -1, 0', '1000, 0, -1']) AS values,
    pg_temp.refused(format('INSERT INTO unkey.counters (scope, identifier, seq, duration, current, previous) VALUES (''cs'', ''cs'', 1, %s)', values)) AS refused;
SELECT refused.* FROM unnest(ARRAY['999, 0, 0', '1000, -1, 0', '1000, 0, -1']) AS values,
    pg_temp.refused(format('INSERT INTO unkey.saved_counters (id, seq, duration, current, previous) VALUES (md5(''cs2'')::uuid, 1, %s)', values)) AS refused;

-- NOT NULL (23502): every column that says so, in every table.
SELECT class.relname AS tab, attname AS col, refused.*
FROM pg_attribute AS attribute JOIN pg_class AS class ON class.oid = attrelid AND relnamespace = 'unkey'::regnamespace AND relkind = 'r' AND NOT relispartition,
    pg_temp.refused(format('UPDATE unkey.%I SET %I = NULL', class.relname, attname)) AS refused
WHERE attnum > 0 AND attnotnull AND NOT attisdropped ORDER BY class.relname, attnum;

-- UNIQUE (23505).
SELECT "key", refused.* FROM (VALUES
    ('secrets', 'INSERT INTO unkey.secrets SELECT * FROM unkey.secrets'), ('apis', 'INSERT INTO unkey.apis (id, name) VALUES (:api, ''constraints'')'),
    ('keyspace', 'INSERT INTO unkey.apis (name, keyspace_id) SELECT name, keyspace_id FROM unkey.apis WHERE id = :api'),
    ('external_id', 'INSERT INTO unkey.identities (external_id) VALUES (''cs.u1'')'), ('slug', 'INSERT INTO unkey.permissions (slug, name) VALUES (''cs.p1'', ''x'')'),
    ('role', 'INSERT INTO unkey.roles (name) VALUES (''cs.r1'')'), ('keys', 'INSERT INTO unkey.keys (id, api_id, hash) VALUES (:key, :api, sha256(''cs.dup''))'),
    ('hash', 'INSERT INTO unkey.keys (api_id, hash) SELECT api_id, hash FROM unkey.keys WHERE id = :key'), ('credits', 'INSERT INTO unkey.credits (key_id, remaining) VALUES (:key, 5)'),
    ('namespace', 'INSERT INTO unkey.ratelimit_namespaces (name) VALUES (''cs.ns'')'),
    ('override', 'INSERT INTO unkey.ratelimit_overrides (namespace_id, identifier, "limit", duration) SELECT namespace_id, identifier, 1, 1000 FROM unkey.ratelimit_overrides WHERE identifier = ''cs'''),
    ('verification_hours', 'INSERT INTO unkey.verification_hours VALUES (''2025-01-01'', ''ks_cs'', ''api_cs'', ''key_cs'', NULL, NULL, ''VALID'', ''{}'', ''cs'', 1, 0)'),
    ('requests', 'INSERT INTO unkey.requests SELECT * FROM unkey.requests WHERE idempotency_key = ''cs'''), ('key_permissions', 'INSERT INTO unkey.key_permissions VALUES (:key, :permission)'), ('role_permissions', 'INSERT INTO unkey.role_permissions VALUES (:role, :permission)')
) AS wrong("key", statement), pg_temp.refused(replace(replace(replace(replace(statement, ':api', quote_literal(:'api_id')), ':key', quote_literal(:'key_id')),
    ':permission', quote_literal(:'permission_id')), ':role', quote_literal(:'role_id'))) AS refused;
-- FOREIGN KEY (23503).
SELECT "key", refused.* FROM (VALUES
    ('api of a key', 'INSERT INTO unkey.keys (api_id, hash) VALUES (''api_nope'', sha256(''cs''))'), ('identity of a key', 'UPDATE unkey.keys SET identity_id = ''id_nope'' WHERE id = :key'),
    ('migration of a key', 'UPDATE unkey.keys SET pending_migration_id = ''cs.nope'' WHERE id = :key'), ('key of credits', 'INSERT INTO unkey.credits (key_id, remaining) VALUES (''key_nope'', 5)'),
    ('key of a request', 'INSERT INTO unkey.requests VALUES (''key_nope'', ''cs''); SET CONSTRAINTS ALL IMMEDIATE'), ('key of a permission', 'INSERT INTO unkey.key_permissions VALUES (''key_nope'', :permission)'), ('permission of a key', 'INSERT INTO unkey.key_permissions VALUES (:key, ''perm_nope'')'),
    ('key of a role', 'INSERT INTO unkey.key_roles VALUES (''key_nope'', :role)'), ('role of a key', 'INSERT INTO unkey.key_roles VALUES (:key, ''role_nope'')'),
    ('role of a permission', 'INSERT INTO unkey.role_permissions VALUES (''role_nope'', :permission)'), ('permission of a role', 'INSERT INTO unkey.role_permissions VALUES (:role, ''perm_nope'')'),
    ('namespace of an override', 'INSERT INTO unkey.ratelimit_overrides (namespace_id, identifier, "limit", duration) VALUES (''rlns_nope'', ''cs'', 1, 1000)'),
    ('api in use', 'DELETE FROM unkey.apis WHERE id = :api')
) AS wrong("key", statement), pg_temp.refused(replace(replace(replace(replace(statement, ':api', quote_literal(:'api_id')), ':key', quote_literal(:'key_id')),
    ':permission', quote_literal(:'permission_id')), ':role', quote_literal(:'role_id'))) AS refused;

-- COPY is held to them too: a CHECK, a foreign key.
\set VERBOSITY sqlstate
COPY unkey.permissions (slug, name) FROM stdin;
cs.copied	Copied
cs.not copied	Bad
\.
COPY unkey.keys (api_id, hash) FROM stdin;
api_nope	\\x0000000000000000000000000000000000000000000000000000000000000000
\.
\set VERBOSITY default
SELECT count(*) AS copied FROM unkey.permissions WHERE slug LIKE 'cs.copied%';
-- Nothing stays that no master key opens.
DELETE FROM unkey.encrypted_keys WHERE encryption_key_id = 'kek_cs';
DELETE FROM unkey.encryption_keys WHERE id = 'kek_cs';

-- No index depends on the language of the database: it would be slow, broken by an upgrade of the system's library, and in an
-- order of its own. Nor does what is compared with an indexed id.
SELECT indexrelid::regclass AS by_language FROM pg_index JOIN pg_class AS class ON class.oid = indexrelid
WHERE relnamespace = 'unkey'::regnamespace AND indcollation::oid[] && ARRAY['pg_catalog.default'::regcollation::oid];
SELECT attrelid::regclass, attname FROM pg_attribute JOIN pg_class AS class ON class.oid = attrelid
WHERE relnamespace = 'unkey'::regnamespace AND relkind IN ('r', 'p') AND attname ~ '(^|_)id$' AND attcollation = 'pg_catalog.default'::regcollation;
