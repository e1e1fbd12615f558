-- Every function, 500 times with arguments drawn from plausible and nasty values, or once with each if it has one argument, and with every
-- pattern of NULLs: whatever comes, no internal error.
SELECT unkey_create_api('random') AS api_id, unkey_create_api('random-gone') AS gone_id \gset
SELECT * FROM unkey_create_key(:'api_id', 'rnd', external_id => 'rnd.u1', permissions => '{rnd.p1,rnd.p2}', credits => 1000,
    ratelimits => '[{"name": "rl", "limit": 1000, "duration": 60000, "autoApply": true}]') \gset
SELECT set_config('request.headers', json_build_object('apikey', :'key', 'x-key', :'key')::text, false) IS NULL AS request \gset
SELECT * FROM unkey_create_key(:'gone_id') \gset gone_
SELECT unkey_create_role('rnd.role', permissions => '{rnd.p1}') AS role_id \gset
SELECT unkey_delete_api(:'gone_id');
SELECT cursor FROM unkey_list_keys(:'api_id') \gset
SELECT * FROM unkey_create_root_key('rnd', '{api.*.verify_key}') \gset root_
SELECT * FROM unkey_create_root_key('rnd.all', '{*}') \gset all_
SELECT unkey_set_override(unkey_create_namespace('rnd.ns'), 'rnd.vip', 5, '1 minute') AS override_id \gset
SELECT unkey_delete_namespace(unkey_create_namespace('rnd.gone'));
-- Somebody is authenticated, so that what asks for that goes on.
SET unkey.allow_session = on;
SELECT valid FROM unkey_create_key(unkey_create_api('rnd.caller')) AS caller, unkey_authenticate(caller.key, session => true);
SELECT unkey_begin_request('rnd.request');
-- Partitions are there already, and those functions are called less often: tables made and rolled back fill the catalogues.
SELECT FROM unkey.maintain();

-- Plausible values by argument, nasty ones by type.
CREATE TEMP TABLE plausible (argument, type, value) AS VALUES
    ('api_id', 'text', :'api_id'), ('key_id', 'text', :'key_id'), ('key', 'text', :'key'), ('cursor', 'text', :'cursor'), ('cursor', 'text', :'key_id'), ('search', 'text', 'rnd'),
    ('key_id', 'text', :'root_key_id'), ('authorization', 'text', 'Bearer ' || :'root_key'), ('permissions', 'text[]', '{*}'), ('permissions', 'text[]', '{api.api_1.read_key}'),
    ('query', 'text', 'SELECT count(*) AS n'), ('idempotency_key', 'text', 'rnd.request'), ('request', 'jsonb', '{"item": "tea"}'), ('answer', 'jsonb', '{"order": 17}'), ('role', 'name', current_user), ('privilege', 'text', 'verify'), ('statement', 'text', 'GRANT %s TO %I'), ('operation', 'text', 'keys.createKey'), ('operation', 'text', 'keys.verifyKey'), ('operation', 'text', 'apis.listApis'),
    ('body', 'text', format('{"apiId": "%s"}', :'api_id')), ('body', 'text', format('{"key": "%s"}', :'key')), ('body', 'text', '{}'), ('authorization', 'text', 'Bearer ' || :'all_key'),
    ('authorizations', 'text[]', ARRAY['Bearer ' || :'all_key']::text), ('authorizations', 'text[]', ARRAY['Bearer ' || :'all_key', 'Bearer ' || :'root_key', NULL]::text), ('bodies', 'text[]', ARRAY[format('{"key": "%s"}', :'key')]::text),
    ('bodies', 'text[]', ARRAY[format('{"key": "%s", "tags": ["a"]}', :'key'), '{"key": "nope", "migrationId": "rnd.m"}', NULL]::text), ('ips', 'inet[]', '{10.0.0.1}'), ('ips', 'inet[]', '{NULL,::1,0.0.0.0/0}'), ('request_ids', 'text[]', '{a}'), ('request_ids', 'text[]', '{a,NULL,a}'),
    ('header', 'text', 'X-Key'), ('hash', 'bytea', '\x' || encode(sha256(:'key'), 'hex')), ('hash', 'bytea', '\x' || repeat('00', 32)), ('name', 'text', 'rnd.new'), ('slug', 'text', 'rnd.new'), ('prefix', 'text', 'sk'),
    ('default_prefix', 'text', 'sk'), ('key_format', 'text', 'checksum'), ('content', 'text', 'KEY=' || :'key'), ('tool', 'text', 'gitleaks'), ('tool', 'text', 'trufflehog'), ('verify_url', 'text', 'https://x.example'), ('external_id', 'text', 'rnd.u1'), ('external_id', 'text', 'rnd.new'), ('identity', 'text', 'rnd.u1'), ('namespace', 'text', 'rnd.ns'), ('identifier', 'text', 'rnd.vip'), ('permission', 'text', 'rnd.p1'), ('role', 'text', 'rnd.role'),
    ('role', 'text', :'role_id'), ('operation', 'text', 'set'), ('operation', 'text', 'increment'), ('operation', 'text', 'decrement'), ('permissions', 'text', 'rnd.p1 AND (rnd.p2 OR x)'),
    ('description', 'text', 'words'), ('refill_interval', 'text', 'daily'), ('refill_interval', 'text', 'monthly'), ('migration_id', 'text', 'rnd.m'), ('algorithm', 'text', 'sha256'),
    ('algorithm', 'text', 'github.com/seamapi/prefixed-api-key'), ('permissions', 'text[]', '{rnd.p1}'), ('permissions', 'text[]', '{rnd.new,rnd.p2}'), ('permissions', 'text[]', '{}'),
    ('roles', 'text[]', '{rnd.role}'), ('keys', 'text[]', format('{%s,nope}', :'key')), ('tags', 'text[]', '{a,b}'), ('limit', 'integer', '1'), ('limit', 'integer', '100'),
    ('default_bytes', 'integer', '32'), ('byte_length', 'integer', '255'), ('refill_day', 'integer', '31'), ('credits', 'bigint', '5'), ('refill_amount', 'bigint', '7'), ('value', 'bigint', '5'),
    ('cost', 'bigint', '2'), ('ms', 'bigint', '1700000000000'), ('expires', 'timestamp with time zone', '2099-01-01'), ('grace', 'interval', '1 hour'), ('duration', 'interval', '1 minute'), ('limit', 'bigint', '10'), ('ip', 'inet', '10.0.0.1'),
    ('ip_allowlist', 'cidr[]', '{10.0.0.0/8}'), ('networks', 'cidr[]', '{}'), ('meta', 'jsonb', '{"plan": "pro"}'), ('prefix', 'text', 'key'), ('parent', 'text', 'ratelimit_events'), ('day', 'date', 'today'),
    ('ratelimits', 'jsonb', '[{"name": "rl"}]'), ('ratelimits', 'jsonb', '[{"name": "adhoc", "limit": 5, "duration": 1000}]'), ('ratelimits', 'jsonb', '[{"name": "rl", "limit": 5, "duration": 1000, "autoApply": true}]'),
    ('patch', 'jsonb', '{"name": "rnd-patched"}'), ('patch', 'jsonb', '{"enabled": false}'), ('patch', 'jsonb', '{"description": null}'), ('patch', 'jsonb', '{"meta": {"a": 1}, "ratelimits": [{"name": "rl", "limit": 5, "duration": 1000}]}'), ('patch', 'jsonb', '{}'),
    ('patch', 'jsonb', '{"credits": {"remaining": 5, "refill": {"interval": "monthly", "amount": 5, "refillDay": 31}}, "permissions": ["rnd.p9"], "roles": ["rnd.role"], "externalId": "rnd.u2",
        "meta": {"a": [1e400]}, "expires": 4102444800000, "ratelimits": [{"name": "x", "limit": 9223372036854775807, "duration": 9223372036854775807, "autoApply": true}], "ipWhitelist": ["::/0"]}'),
    ('checks', 'jsonb', '[{"namespace": "rnd.ns", "identifier": "rnd.vip", "limit": 9223372036854775807, "duration": 2592000000}, {"namespace": "rnd.new", "identifier": "*", "limit": 1, "duration": 1000, "cost": 9223372036854775807}]'),
    ('keys', 'jsonb', format('[{"hash": "%s"}, {"hash": "%s", "credits": {"remaining": 1}}]', encode(sha256('rnd'), 'hex'), encode(sha256('rnd2'), 'base64')));
CREATE TEMP TABLE nasty (type, value) AS VALUES
    ('text', ''), ('text', ' '), ('text', 'x'), ('text', E'\n'), ('text', '''"\'), ('text', 'api_nope'), ('text', 'rnd.gone'), ('text', 'key_nope'), ('text', :'gone_id'), ('text', :'gone_key'), ('text', :'gone_key_id'),
    ('text', repeat('x', 513)), ('text', repeat('(', 1000)), ('text', repeat('((((x))))', 100)), ('text', 'AND'), ('text', '*'), ('text', 'a_b_c'), ('text', '9223372036854775807_x'),
    ('text', '-1_x'), ('text', U&'\D83D\DE00'), ('text', U&'\0301'), ('text', U&'\FFFF'), ('text', '%s%n'), ('text', 'NULL'),
    ('integer', '0'), ('integer', '-1'), ('integer', '1'), ('integer', '2147483647'), ('integer', '-2147483648'),
    ('bigint', '0'), ('bigint', '-1'), ('bigint', '1'), ('bigint', '9223372036854775807'), ('bigint', '-9223372036854775808'), ('bigint', '1000000000000'), ('bigint', '4102444800001'),
    ('boolean', 'true'), ('boolean', 'false'), ('bytea', '\x'), ('bytea', '\x00'), ('bytea', '\x' || repeat('ff', 33)),
    ('timestamp with time zone', 'infinity'), ('timestamp with time zone', '-infinity'), ('timestamp with time zone', 'epoch'), ('timestamp with time zone', '4713-01-01 BC'),
    ('timestamp with time zone', '294276-12-31'), ('timestamp with time zone', '2100-01-01 00:00:00+00'),
    ('date', 'infinity'), ('date', '-infinity'), ('date', '4713-01-01 BC'), ('date', '5874897-12-31'), ('date', 'epoch'), ('tid', '(0,0)'), ('tid', '(4294967295,65535)'),
    ('interval', '0'), ('interval', '-1 second'), ('interval', '178000000 years'), ('interval', '-178000000 years'), ('interval', '1 month -30 days'), ('interval', '1 microsecond'),
    ('name', ''), ('name', 'regress_nobody'), ('name', '"'), ('uuid', '00000000-0000-0000-0000-000000000000'), ('inet', '::1'), ('inet', '0.0.0.0/0'), ('inet', '::ffff:10.0.0.1'), ('inet[]', '{}'), ('inet[]', '{{::1}}'), ('inet[]', '[5:5]={10.0.0.1}'), ('cidr[]', '{}'), ('cidr[]', '{NULL}'), ('cidr[]', '{{::/0}}'), ('cidr[]', '{0.0.0.0/0,::/0}'),
    ('text[]', '{}'), ('text[]', '{NULL}'), ('text[]', '{""}'), ('text[]', '{{a},{b}}'), ('text[]', '[-3:-2]={rnd.p1,rnd.p1}'), ('text[]', '{"a b"}'), ('text[]', '{1}'),
    ('text[]', array_fill('rnd.p1'::text, '{101}')::text),
    ('jsonb', '{}'), ('jsonb', '[]'), ('jsonb', 'null'), ('jsonb', '5'), ('jsonb', '"x"'), ('jsonb', 'true'), ('jsonb', '[[]]'), ('jsonb', '[{}]'), ('jsonb', '[null]'), ('jsonb', '{"": null}'),
    ('jsonb', '1e1000'), ('jsonb', '[1e-400, 1e400]'), ('jsonb', '{"name": 1.0}'), ('jsonb', '{"credits": null}'), ('jsonb', '{"expires": 9223372036854775808}'), ('jsonb', '{"expires": 0.1}'),
    ('jsonb', repeat('[', 2000) || repeat(']', 2000)), ('jsonb', '{"meta": ' || repeat('{"a":', 2000) || '1' || repeat('}', 2001)),
    ('jsonb', '[{"name": "rl", "cost": 9223372036854775807}, {"name": "rl", "cost": -1}]'), ('jsonb', '[{"name": "rl", "limit": 0, "duration": 0}]'), ('jsonb', '[{"name": "n", "limit": 1, "duration": 9223372036854775807}]'),
    ('jsonb', '[{"hash": ""}]'), ('jsonb', '[{"hash": "' || repeat('é', 32) || '"}]'), ('jsonb', '[{"hash": "' || repeat('0', 64) || '", "meta": 5}]'), ('jsonb', '["' || repeat('😀', 100) || '"]');

-- The log's functions read and seal all of it, a thousand times: little of it.
TRUNCATE unkey.audit_log, unkey.audit_seals;

CREATE TEMP TABLE tried (function regprocedure, calls integer, succeeded integer, refused integer, internal integer, offender text);
-- How a call ends, in a subtransaction of its own that is always rolled back.
CREATE FUNCTION pg_temp.outcome(statement text, OUT state text, OUT message text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    RAISE 'succeeded' USING ERRCODE = '00001';
EXCEPTION WHEN OTHERS THEN
    state := SQLSTATE;
    message := SQLERRM;
END
$$;
-- Literals that an argument can be, in two arrays: good ones, bad ones.
CREATE FUNCTION pg_temp.choices(name text, type text, OUT good text[], OUT bad text[]) LANGUAGE sql AS $$
    SELECT coalesce(good, bad), bad FROM
        (SELECT array_agg(format('%I => %L::%s', name, value, type)) FROM plausible WHERE argument = name AND plausible.type = choices.type) AS plausible (good),
        (SELECT array_agg(format('%I => %L::%s', name, value, type)) || format('%I => NULL', name) FROM nasty WHERE nasty.type = choices.type) AS nasty (bad)
$$;
-- Which arguments are NULL, as bits: every pattern of up to nine; of more, each of them, each two, and all.
CREATE FUNCTION pg_temp.null_patterns(arguments integer) RETURNS SETOF integer LANGUAGE sql AS $$
    SELECT mask FROM generate_series(1, (1 << LEAST(arguments, 9)) - 1) AS mask WHERE arguments <= 9
    UNION SELECT 1 << one | 1 << other FROM generate_series(0, arguments - 1) AS one, generate_series(one, arguments - 1) AS other
    UNION SELECT (1 << arguments) - 1
$$;
-- Lists of arguments for a function: of one argument each thing that it can be; of several so many at random, and every pattern of NULLs.
CREATE FUNCTION pg_temp.arguments(function regprocedure, calls integer) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    called pg_proc := (SELECT pg_proc FROM pg_proc WHERE oid = function);
    names text[] := called.proargnames[1:called.pronargs];
    choices text[] := ARRAY(SELECT kind FROM unnest(called.proargtypes::oid[], names) WITH ORDINALITY AS a(type, name, at), pg_temp.choices(name, format_type(type, NULL)), unnest(ARRAY[good::text, bad::text]) WITH ORDINALITY AS kinds(kind, n) ORDER BY at, n);
    nastiness double precision;
    literals text[];
    list text;
BEGIN
    IF called.pronargs = 0 THEN
        RETURN QUERY SELECT '' FROM generate_series(1, 5);
        RETURN;
    ELSIF called.pronargs = 1 THEN
        RETURN QUERY SELECT unnest(choices[1]::text[] || choices[2]::text[]);
        RETURN;
    END IF;
    FOR n IN 1..calls LOOP
        nastiness := (ARRAY[0, 0.1, 0.5, 1])[1 + n % 4];
        list := NULL;
        FOR at IN 1..called.pronargs LOOP
            -- Required arguments always, one optional one in four.
            CONTINUE WHEN at > called.pronargs - called.pronargdefaults AND random() >= 0.25;
            literals := choices[2 * at - (random() >= nastiness)::integer]::text[];
            list := concat_ws(', ', list, literals[1 + floor(random() * cardinality(literals))::integer]);
        END LOOP;
        RETURN NEXT list;
    END LOOP;
    RETURN QUERY SELECT string_agg(CASE WHEN mask >> at - 1 & 1 = 1 THEN format('%I => NULL', names[at]) ELSE (choices[2 * at - 1]::text[])[1] END, ', ' ORDER BY at)
    FROM pg_temp.null_patterns(called.pronargs) AS mask, generate_series(1, called.pronargs) AS at GROUP BY mask;
END
$$;
CREATE FUNCTION pg_temp.try(function regprocedure, calls integer) RETURNS void LANGUAGE sql AS $$
    INSERT INTO tried
    SELECT function, count(*), count(*) FILTER (WHERE state = '00001'), count(*) FILTER (WHERE state <> '00001' AND state !~ '^(XX|58)'), count(*) FILTER (WHERE state ~ '^(XX|58)'),
        max(format('%s: %s: %s', state, left(message, 200), left(statement, 1000))) FILTER (WHERE state ~ '^(XX|58)')
    FROM pg_proc JOIN pg_namespace ON pg_namespace.oid = pronamespace, pg_temp.arguments(function, calls) AS list, format('SELECT count(*) FROM %I.%I(%s)', nspname, proname, list) AS statement, pg_temp.outcome(statement) WHERE pg_proc.oid = function
$$;
SELECT setseed(0.42);
SET client_min_messages = warning; -- names that are too long
-- Less of what reads the whole log or works through all tables: nothing that is rolled back is cleaned up meanwhile.
SELECT count(coalesce(pg_temp.try(proc.oid, CASE WHEN proname ~ 'audit_log$|event_partition|^maintain' THEN 20 ELSE 500 END)::text, '')) > 80 AS functions_walked
FROM pg_depend AS member JOIN pg_extension AS extension ON extension.oid = refobjid AND extname = 'unkey' JOIN pg_proc AS proc ON proc.oid = objid
WHERE member.deptype = 'e' AND refclassid = 'pg_extension'::regclass AND classid = 'pg_proc'::regclass AND prorettype <> 'trigger'::regtype;
SELECT sum(calls) > 20000 AS many, bool_and(calls = succeeded + refused + internal) AS all_counted FROM tried;
SELECT function, internal, offender FROM tried WHERE internal > 0 ORDER BY function::text COLLATE "C";
-- Every function succeeded with some of it (but one that needs a master key, which is not set up here), and nearly every one refused some of it.
SELECT function AS never_succeeded FROM tried WHERE succeeded = 0 ORDER BY function::text COLLATE "C";
SELECT count(*) FILTER (WHERE refused > 0) > 35 AS refusing FROM tried;
-- Everything is as it was.
SELECT code, credits, permissions, ratelimits->0->>'remaining' AS remaining FROM unkey_verify_key(:'key');
SELECT count(*) AS keys FROM unkey_list_keys(:'api_id');
