-- unkey_grant and unkey_revoke: what each privilege opens, and nothing besides.
SELECT tests.at('2026-03-10 12:00:00+00');
\pset null '-'
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_unkey_verify, regress_unkey_limit, regress_unkey_api, regress_unkey_read, regress_unkey_manage, regress_unkey_member, "regress_unkey ""Odd""";
RESET client_min_messages;
SELECT unkey_create_api('gr.api') AS api \gset
SELECT key AS key, key_id AS key_id FROM unkey_create_key(:'api', permissions => '{gr.p}', credits => 10) \gset
SELECT tests.root() \gset
CREATE TEMP TABLE words AS SELECT word, 'regress_unkey_' || word AS role FROM unnest('{verify,limit,api,read,manage}'::text[]) AS word;
CREATE ROLE regress_unkey_verify;
CREATE ROLE regress_unkey_limit;
CREATE ROLE regress_unkey_api;
CREATE ROLE regress_unkey_read;
CREATE ROLE regress_unkey_manage;
CREATE ROLE regress_unkey_member IN ROLE regress_unkey_verify;
CREATE ROLE "regress_unkey ""Odd""";
GRANT USAGE ON SCHEMA tests TO regress_unkey_verify, regress_unkey_limit, regress_unkey_api, regress_unkey_read, regress_unkey_manage;
SELECT word, unkey_grant(role, word) FROM words;

-- Functions: x where the role may call it.
CREATE TEMP VIEW functions AS
SELECT proc.oid, CASE WHEN nspname = 'unkey' THEN 'unkey.' ELSE '' END || proname AS name
FROM pg_depend AS member JOIN pg_extension AS extension ON extension.oid = refobjid AND extname = 'unkey' JOIN pg_proc AS proc ON proc.oid = objid JOIN pg_namespace AS namespace ON namespace.oid = pronamespace
WHERE member.deptype = 'e' AND refclassid = 'pg_extension'::regclass AND classid = 'pg_proc'::regclass;
CREATE TEMP VIEW relations AS
SELECT class.oid, relname AS name, relkind
FROM pg_depend AS member JOIN pg_extension AS extension ON extension.oid = refobjid AND extname = 'unkey' JOIN pg_class AS class ON class.oid = objid AND relkind IN ('r', 'p', 'v', 'm', 'S')
WHERE member.deptype = 'e' AND refclassid = 'pg_extension'::regclass AND classid = 'pg_class'::regclass;
CREATE FUNCTION pg_temp.may(word text, function oid) RETURNS text LANGUAGE sql RETURN CASE WHEN has_function_privilege(CASE word WHEN 'public' THEN word WHEN 'owner' THEN current_user ELSE 'regress_unkey_' || word END, function, 'EXECUTE') THEN 'x' ELSE '-' END;
SELECT name, string_agg(DISTINCT pg_temp.may('public', oid), '') AS public, string_agg(DISTINCT pg_temp.may('verify', oid), '') AS verify, string_agg(DISTINCT pg_temp.may('limit', oid), '') AS "limit", string_agg(DISTINCT pg_temp.may('api', oid), '') AS api, string_agg(DISTINCT pg_temp.may('read', oid), '') AS read, string_agg(DISTINCT pg_temp.may('manage', oid), '') AS manage, string_agg(DISTINCT pg_temp.may('owner', oid), '') AS owner
FROM functions GROUP BY name ORDER BY name COLLATE "C";
-- Tables and views: r reads some column, R all of them, w inserts, updates and deletes, and what else there is by its name.
CREATE FUNCTION pg_temp.may_with(word text, relation oid) RETURNS text LANGUAGE sql RETURN (SELECT CASE WHEN has_table_privilege(role, relation, 'SELECT') OR every THEN 'R' WHEN has_any_column_privilege(role, relation, 'SELECT') THEN 'r' ELSE '-' END
    || CASE WHEN has_table_privilege(role, relation, 'INSERT') AND has_table_privilege(role, relation, 'UPDATE') AND has_table_privilege(role, relation, 'DELETE') THEN 'w' WHEN has_table_privilege(role, relation, 'INSERT, UPDATE, DELETE') THEN 'partly' ELSE '' END
    || CASE WHEN has_table_privilege(role, relation, 'TRUNCATE') THEN 'TRUNCATE' ELSE '' END || CASE WHEN has_table_privilege(role, relation, 'TRIGGER') THEN 'TRIGGER' ELSE '' END || CASE WHEN has_table_privilege(role, relation, 'REFERENCES') THEN 'REFERENCES' ELSE '' END
    FROM (SELECT CASE word WHEN 'public' THEN word WHEN 'owner' THEN current_user ELSE 'regress_unkey_' || word END) AS named(role), LATERAL (SELECT bool_and(has_column_privilege(role, relation, attnum, 'SELECT')) FROM pg_attribute WHERE attrelid = relation AND attnum > 0 AND NOT attisdropped) AS columns(every));
SELECT name, pg_temp.may_with('public', oid) AS public, pg_temp.may_with('verify', oid) AS verify, pg_temp.may_with('limit', oid) AS "limit", pg_temp.may_with('api', oid) AS api, pg_temp.may_with('read', oid) AS read, pg_temp.may_with('manage', oid) AS manage, pg_temp.may_with('owner', oid) AS owner FROM relations ORDER BY name COLLATE "C";
-- Columns that a role may not read, or may write, where that is not all or none of them.
SELECT word, name, string_agg(attname, ', ' ORDER BY attnum) FILTER (WHERE NOT has_column_privilege(role, oid, attnum, 'SELECT')) AS hidden, string_agg(attname, ', ' ORDER BY attnum) FILTER (WHERE has_column_privilege(role, oid, attnum, 'INSERT') <> has_table_privilege(role, oid, 'INSERT') OR has_column_privilege(role, oid, attnum, 'UPDATE') <> has_table_privilege(role, oid, 'UPDATE') OR has_column_privilege(role, oid, attnum, 'REFERENCES')) AS odd
FROM words, relations JOIN pg_attribute ON attrelid = oid AND attnum > 0 AND NOT attisdropped WHERE has_any_column_privilege(role, oid, 'SELECT, INSERT, UPDATE, REFERENCES') GROUP BY word, name
HAVING NOT bool_and(has_column_privilege(role, oid, attnum, 'SELECT') AND has_column_privilege(role, oid, attnum, 'INSERT') = has_table_privilege(role, oid, 'INSERT') AND NOT has_column_privilege(role, oid, attnum, 'REFERENCES')) ORDER BY word, name COLLATE "C";
-- The schema is closed to PUBLIC, and to limit, which needs nothing of it.
SELECT word, has_schema_privilege(role, 'unkey', 'USAGE') AS usage, has_schema_privilege(role, 'unkey', 'CREATE') AS "create" FROM (TABLE words UNION ALL VALUES ('public', 'public')) AS everybody (word, role);
-- Nobody who may read sees a hash of a key, a secret or an encrypted text, also not by way of the audit log; PUBLIC has nothing.
SELECT word, relations.name, attname FROM words, relations JOIN pg_attribute ON attrelid = relations.oid AND attnum > 0 AND NOT attisdropped
WHERE has_column_privilege(role, relations.oid, attnum, 'SELECT') AND (attname ~ 'hash|secret|ciphertext|wrapped' OR atttypid = 'bytea'::regtype AND relations.name !~ '^audit_' OR relations.name ~ 'secret|encr');
SELECT count(*) > 0 AS recorded, count(*) FILTER (WHERE strpos(entry::text, encode(hash, 'hex')) + strpos(entry::text, encode(hash, 'base64')) > 0) AS with_hash, count(*) FILTER (WHERE strpos(entry::text, :'key') > 0) AS with_text FROM unkey.audit_log AS entry, unkey.keys WHERE keys.id = :'key_id' AND strpos(entry::text, :'key_id') > 0;
SELECT count(*) AS of_public FROM (SELECT proacl, proowner, 'f' FROM functions JOIN pg_proc USING (oid) UNION ALL SELECT relacl, relowner, 'r' FROM relations JOIN pg_class USING (oid)) AS objects(acl, owner, kind), aclexplode(coalesce(acl, acldefault(kind::"char", owner))) AS item WHERE grantee = 0;

-- A statement of each kind, as a role of each privilege.
CREATE TEMP TABLE calls (n serial, what text, statement text);
INSERT INTO calls (what, statement) VALUES ('verify', format('SELECT code FROM unkey_verify_key(%L)', :'key')), ('verify several', format('SELECT code FROM unkey_verify_keys(ARRAY[%L])', :'key')), ('own usage', 'SELECT count(*) FROM unkey.own_key_verifications_per_hour_v1'), ('limit', $$SELECT success FROM unkey_limit('gr.n', 'i', 9, '1 minute')$$),
    ('api', format($$SELECT status FROM unkey_api('apis.listApis', %L, '{}')$$, current_setting('tests.authorization'))), ('get', format('SELECT credits FROM unkey_get_key(%L)', :'key_id')), ('list', format('SELECT count(*) FROM unkey_list_keys(%L)', :'api')), ('whoami', format('SELECT credits FROM unkey_whoami(%L)', :'key')), ('read a table', format('SELECT enabled FROM unkey.keys WHERE id = %L', :'key_id')),
    ('read the hash', 'SELECT hash FROM unkey.keys LIMIT 1'), ('read all of it', 'SELECT keys FROM unkey.keys LIMIT 1'), ('read root hashes', 'SELECT hash FROM unkey.root_keys LIMIT 1'), ('read secrets', 'SELECT * FROM unkey.secrets'), ('copy', 'COPY unkey.keys (hash) TO ''/dev/null'''), ('create', format('SELECT length(key_id) > 0 FROM unkey_create_key(%L)', :'api')), ('update', format('SELECT unkey_update_key(%L, ''{}'')', :'key_id')),
    ('root key', 'SELECT length(key_id) > 0 FROM unkey_create_root_key()'), ('by hand', format('UPDATE unkey.keys SET enabled = true WHERE id = %L', :'key_id')), ('new by hand', format('INSERT INTO unkey.keys (api_id, hash) VALUES (%L, sha256(''gr.by-hand''))', :'api')), ('new identity', 'INSERT INTO unkey.identities (external_id) VALUES (''gr.hand'')'), ('new root key', 'INSERT INTO unkey.root_keys (hash) VALUES (sha256(''gr.root''))'),
    ('new override', $$INSERT INTO unkey.ratelimit_overrides (namespace_id, identifier, "limit", duration) SELECT id, 'gr', 1, 1000 FROM unkey.ratelimit_namespaces LIMIT 1$$), ('delete by hand', 'DELETE FROM unkey.credits'), ('truncate', 'TRUNCATE unkey.credits'), ('authenticate', 'SELECT unkey.authenticate(''Bearer x'')'), ('workspace', 'SELECT unkey_update_workspace(''{}'')'), ('grant', 'SELECT unkey_grant(''regress_unkey_member'', ''read'')'), ('revoke', 'SELECT unkey_revoke(''regress_unkey_member'', ''read'')'),
    ('alter', 'ALTER TABLE unkey.keys DISABLE TRIGGER ALL'), ('clock', $$SELECT set_config('unkey.clock', '1', true)$$);
GRANT SELECT ON calls TO PUBLIC;
-- x, or how it is refused; whatever it did is undone.
CREATE FUNCTION pg_temp.outcome(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    RAISE 'done' USING ERRCODE = '00001';
EXCEPTION WHEN OTHERS THEN
    RETURN CASE SQLSTATE WHEN '00001' THEN 'x' WHEN '42501' THEN '-' ELSE SQLSTATE || ' ' || SQLERRM END;
END
$$;
CREATE FUNCTION pg_temp.as_role(role text) RETURNS TABLE (n integer, outcome text) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('role', role, true);
    RETURN QUERY SELECT calls.n, pg_temp.outcome(statement) FROM calls;
    PERFORM set_config('role', 'none', true);
END
$$;
SELECT what, verify.outcome AS verify, member.outcome AS member, "limit".outcome AS "limit", api.outcome AS api, read.outcome AS read, manage.outcome AS manage
FROM calls JOIN pg_temp.as_role('regress_unkey_verify') AS verify USING (n) JOIN pg_temp.as_role('regress_unkey_member') AS member USING (n) JOIN pg_temp.as_role('regress_unkey_limit') AS "limit" USING (n) JOIN pg_temp.as_role('regress_unkey_api') AS api USING (n)
    JOIN pg_temp.as_role('regress_unkey_read') AS read USING (n) JOIN pg_temp.as_role('regress_unkey_manage') AS manage USING (n) ORDER BY n;

-- Revoked, all of it is gone; also what another privilege gave, as the comment says. Granting twice is the same as once.
SELECT unkey_grant('regress_unkey_verify', 'verify'), unkey_grant('regress_unkey_verify', 'manage'), unkey_revoke('regress_unkey_verify', 'manage');
SELECT what, outcome FROM calls JOIN pg_temp.as_role('regress_unkey_verify') USING (n) WHERE outcome <> '-';
SELECT word, unkey_revoke(role, word) FROM words;
SELECT count(*) AS left_over FROM (SELECT proacl FROM functions JOIN pg_proc USING (oid) UNION ALL SELECT relacl FROM relations JOIN pg_class USING (oid) UNION ALL SELECT attacl FROM relations JOIN pg_attribute ON attrelid = relations.oid UNION ALL SELECT nspacl FROM pg_namespace WHERE nspname = 'unkey') AS objects(acl), aclexplode(acl) AS item
WHERE grantee IN (SELECT role::regrole FROM words);
SELECT what, outcome FROM calls JOIN pg_temp.as_role('regress_unkey_manage') USING (n) WHERE outcome <> '-';
SELECT unkey_revoke('regress_unkey_verify', 'verify');
-- Any name that a role can have.
SELECT unkey_grant('regress_unkey "Odd"', 'verify');
SELECT count(*) FROM calls JOIN pg_temp.as_role('regress_unkey "Odd"') USING (n) WHERE outcome = 'x';
SELECT unkey_revoke('regress_unkey "Odd"', 'verify');
SELECT arguments, e.* FROM unnest(ARRAY['NULL, ''verify''', '''regress_unkey_read'', NULL', '''regress_unkey_read'', ''READ''', '''regress_unkey_read'', ''''', '''regress_unkey_read'', ''all''', '''regress_unkey_nobody_ever'', ''read''', '''public'', ''read''', '''PUBLIC'', ''read''']) AS arguments, tests.error(format('SELECT unkey_grant(%s)', arguments)) AS e;
SELECT e.state FROM unnest(ARRAY['NULL, ''verify''', '''regress_unkey_read'', ''all''', '''public'', ''read''']) AS arguments, tests.error(format('SELECT unkey_revoke(%s)', arguments)) AS e;

SET client_min_messages = warning;
DROP OWNED BY regress_unkey_verify, regress_unkey_limit, regress_unkey_api, regress_unkey_read, regress_unkey_manage, regress_unkey_member, "regress_unkey ""Odd""";
DROP ROLE regress_unkey_verify, regress_unkey_limit, regress_unkey_api, regress_unkey_read, regress_unkey_manage, regress_unkey_member, "regress_unkey ""Odd""";
