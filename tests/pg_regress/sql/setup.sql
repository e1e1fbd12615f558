-- What every test of this folder shares: the extension, and a schema of small helpers.
-- Each result row begins with the id of the case it shows, where there is one.
CREATE EXTENSION unkey;
CREATE SCHEMA tests;
SET search_path = public, tests;
ALTER DATABASE regress SET search_path = public, tests;
ALTER DATABASE regress SET timezone = 'UTC';

-- Runs a statement that must fail and shows how: SQLSTATE, message, hint (the common one, which names the reference, as that). A statement that succeeds shows as such.
CREATE FUNCTION tests.error(statement text, OUT state text, OUT message text, OUT hint text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    state := '00000';
    message := 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
    hint := replace(hint, '\df+ in psql and docs/reference.md say what each argument may be.', 'reference');
END
$$;

-- Fixes the clock of this session; NULL lets it run again.
CREATE FUNCTION tests.at(instant timestamptz) RETURNS void LANGUAGE sql
RETURN set_config('unkey.clock', coalesce(extract(epoch FROM instant) * 1000, 0)::text, false)::void;

-- Numbers of a limits reply that do not change from run to run: name, limit, remaining, exceeded.
CREATE FUNCTION tests.limits(ratelimits jsonb) RETURNS text LANGUAGE sql
RETURN (SELECT string_agg(format('%s %s/%s%s', l->>'name', l->>'remaining', l->>'limit',
    CASE WHEN (l->>'exceeded')::boolean THEN ' exceeded' ELSE '' END), ', ' ORDER BY l->>'name' COLLATE "C")
    FROM jsonb_array_elements(ratelimits) AS l);

-- The v2 dialect. tests.root makes a root key, and tests.v2 calls on its behalf (or with the header in tests.authorization) from the address in tests.ip.
CREATE FUNCTION tests.root(permissions text[] DEFAULT '{*}', expires timestamptz DEFAULT NULL) RETURNS void LANGUAGE sql AS
$$SELECT set_config('tests.authorization', 'Bearer ' || key, false) FROM unkey_create_root_key(permissions => root.permissions, expires => root.expires)$$;

-- Every value in a JSON document with the path to it; elements of arrays have the step *.
CREATE FUNCTION tests.nodes(document jsonb, OUT path text, OUT value jsonb) RETURNS SETOF record LANGUAGE sql AS $$
    WITH RECURSIVE node(path, value) AS (
        SELECT '', document
        UNION ALL
        SELECT path || '.' || step, child
        FROM node, LATERAL (
            SELECT * FROM jsonb_each(CASE jsonb_typeof(value) WHEN 'object' THEN value ELSE '{}' END)
            UNION ALL SELECT '*', element FROM jsonb_array_elements(CASE jsonb_typeof(value) WHEN 'array' THEN value ELSE '[]' END) AS element
        ) AS member(step, child)
    )
    SELECT * FROM node
$$;

-- What breaks the shape that the official clients demand of every reply; nothing if it is as it must be.
CREATE FUNCTION tests.flaws(operation text, status integer, content_type text, body jsonb) RETURNS SETOF text LANGUAGE sql AS $$
    WITH reply AS (SELECT body->'meta' AS meta, body->'error' AS error, body->'pagination' AS pagination)
    SELECT format('content type %s', content_type)
    WHERE content_type IS DISTINCT FROM CASE WHEN status = 429 AND operation !~ '^permissions\.update' OR status <> 200 AND operation = 'identities.deleteIdentity' THEN 'application/problem+json' ELSE 'application/json' END
    UNION ALL SELECT format('members %s', body)
    WHERE (SELECT array_agg(member ORDER BY member) FROM jsonb_object_keys(body) AS member) IS DISTINCT FROM
        CASE WHEN status <> 200 THEN '{error,meta}' WHEN operation = 'identities.deleteIdentity' THEN '{meta}' WHEN operation ~ '\.list' THEN '{data,meta,pagination}' ELSE '{data,meta}' END::text[]
    UNION ALL SELECT format('meta %s', meta) FROM reply
    WHERE coalesce(meta->>'requestId', '') !~ '^req_[1-9A-HJ-NP-Za-km-z]{12,17}$' OR meta - 'requestId'::text <> '{}'
    UNION ALL SELECT format('pagination %s', pagination) FROM reply
    WHERE jsonb_typeof(coalesce(pagination->'hasMore', 'null')) <> 'boolean' AND body ? 'pagination' OR pagination ? 'cursor' <> (pagination->>'hasMore')::boolean OR pagination - '{hasMore,cursor}'::text[] <> '{}'
    UNION ALL SELECT format('error %s', error) FROM reply
    WHERE NOT error ?& '{title,detail,status,type}' OR error - '{title,detail,status,type,errors}'::text[] <> '{}' OR (error ? 'errors') <> (status = 400)
        OR error->'status' <> to_jsonb(status) OR error->>'type' !~ '^https://unkey\.com/docs/errors/(unkey|user)/[a-z_]+/[a-z_]+$'
    UNION ALL SELECT format('place %s', place) FROM reply, jsonb_array_elements(error->'errors') AS place
    WHERE NOT place ?& '{location,message}' OR place - '{location,message,fix}'::text[] <> '{}' OR place->>'location' !~ '^body' OR place->>'message' <> error->>'detail'
    -- Absent is never null but for these; numbers are integers. Below a key's or an identity's own meta, and in rows of a query, anything goes.
    UNION ALL SELECT format('%s at %s', value, path) FROM tests.nodes(body)
    WHERE path !~ '\.data\.(.*\.)?meta\M' AND operation !~ '^analytics\.' AND (value = 'null' AND path !~ '\.remaining$' AND NOT (operation = 'rootKeys.listKeys' AND path ~ '\.(name|expires)$')
        OR jsonb_typeof(value) = 'number' AND value::text !~ '^-?[0-9]+$')
$$;

-- A text or document without ids and texts of keys, which differ from run to run.
CREATE FUNCTION tests.masked(document text) RETURNS text LANGUAGE sql
RETURN regexp_replace(document, '\m(key|api|ks|id|perm|role|rl|rlns|rlor|unkey)_[1-9A-HJ-NP-Za-km-z]{12,22}\M', '\1_*', 'g');
CREATE FUNCTION tests.masked(document jsonb) RETURNS jsonb LANGUAGE sql RETURN tests.masked(document::text)::jsonb;

-- Calls unkey_api, its body filled in by format(). A reply of a wrong shape is an exception. code: last part of error.type, or the verdict. detail and location: of the error, without ids.
CREATE FUNCTION tests.v2(operation text, body text DEFAULT '{}', VARIADIC "values" text[] DEFAULT '{}',
    OUT status integer, OUT code text, OUT data jsonb, OUT pagination jsonb, OUT location text, OUT detail text) LANGUAGE plpgsql AS $$
DECLARE
    type text;
    reply jsonb;
    flaw text;
BEGIN
    SELECT api.status, api.content_type, api.body INTO status, type, reply
    FROM unkey_api(operation, nullif(current_setting('tests.authorization', true), ''), CASE cardinality("values") WHEN 0 THEN body ELSE format(body, VARIADIC "values") END,
        nullif(current_setting('tests.ip', true), '')::inet) AS api;
    FOR flaw IN SELECT tests.flaws(operation, status, type, reply) LOOP
        RAISE '% answers a wrong %', operation, flaw;
    END LOOP;
    data := reply->'data';
    pagination := reply->'pagination';
    code := coalesce(regexp_replace(reply->'error'->>'type', '.*/', ''), CASE jsonb_typeof(data) WHEN 'object' THEN data->>'code' END);
    location := reply->'error'->'errors'->0->>'location';
    detail := tests.masked(reply->'error'->>'detail');
END
$$;

-- The pages of a list, each asked for with the cursor of the one before, until there is none.
CREATE FUNCTION tests.pages(operation text, body jsonb, OUT page integer, OUT rows integer, OUT has_more boolean, OUT ids text[]) RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE
    reply record;
BEGIN
    page := 1;
    LOOP
        SELECT * INTO reply FROM tests.v2(operation, body::text);
        rows := jsonb_array_length(reply.data);
        has_more := reply.pagination->'hasMore';
        ids := ARRAY(SELECT coalesce(row->>'keyId', row->>'overrideId', row->>'id') FROM jsonb_array_elements(reply.data) AS row);
        RETURN NEXT;
        EXIT WHEN NOT has_more;
        body := body || jsonb_build_object('cursor', reply.pagination->'cursor');
        page := page + 1;
    END LOOP;
END
$$;
-- What the audit log gained since the last call (and seals it), in an order that does not change from run to run.
CREATE FUNCTION tests.logged(OUT event text, OUT actor text, OUT count bigint, OUT targets text, OUT changed text) RETURNS SETOF record LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY SELECT entry.event, entry.actor_type, entry.count,
        (SELECT string_agg(concat_ws(' ', target->>'type', target->>'name'), ', ' ORDER BY nth)
            FROM jsonb_array_elements(entry.targets) WITH ORDINALITY AS targets(target, nth) WHERE nth <= 4),
        (SELECT string_agg(DISTINCT name, ', ') FROM jsonb_each(entry.changes) AS row(id, columns), jsonb_object_keys(columns) AS name)
    FROM unkey.audit_log AS entry WHERE seal IS NULL ORDER BY 1, 4, 3, 2, 5;
    PERFORM unkey.seal_audit_log();
END
$$;

-- Columns of the extension's tables in which a text stands, also inside a document or as bytes.
CREATE FUNCTION tests.columns_with(needle text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    col record;
    hits bigint;
BEGIN
    FOR col IN
        SELECT attribute.attrelid::regclass AS tab, attname AS name, atttypid::regtype::text AS type
        FROM pg_attribute AS attribute
        JOIN pg_class AS class ON class.oid = attribute.attrelid AND class.relnamespace = 'unkey'::regnamespace
        WHERE attnum > 0 AND NOT attisdropped AND relkind IN ('r', 'p')
            AND atttypid::regtype::text = ANY ('{text,text[],json,jsonb,bytea}')
    LOOP
        EXECUTE format(CASE col.type
            WHEN 'bytea' THEN 'SELECT count(*) FROM %1$s WHERE position(convert_to($1, ''UTF8'') IN %2$I) > 0'
            ELSE 'SELECT count(*) FROM %1$s WHERE strpos(%2$I::text, $1) > 0' END, col.tab, col.name)
        INTO hits USING needle;
        IF hits > 0 THEN RETURN NEXT col.tab || '.' || col.name; END IF;
    END LOOP;
END
$$;

-- Of each table of the extension. Autovacuum says of a table that it changed, and sessions forget what they know.
CREATE FUNCTION tests.autovacuum(action text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    name regclass;
BEGIN
    FOR name IN SELECT oid FROM pg_class WHERE relnamespace = 'unkey'::regnamespace AND relkind = 'r' LOOP
        EXECUTE format('ALTER TABLE %s %s', name, action);
    END LOOP;
END
$$;

-- A figure of the statistics.
CREATE FUNCTION tests.figure(figure text) RETURNS bigint LANGUAGE sql RETURN (SELECT value FROM unkey.stats WHERE name = figure);
-- How much each figure grows while a statement runs.
CREATE FUNCTION tests.growth(statement text, OUT hits bigint, OUT misses bigint, OUT invalidations bigint) LANGUAGE plpgsql AS $$
BEGIN
    hits := -tests.figure('cache_hits');
    misses := -tests.figure('cache_misses');
    invalidations := -tests.figure('cache_invalidations');
    EXECUTE statement;
    hits := hits + tests.figure('cache_hits');
    misses := misses + tests.figure('cache_misses');
    invalidations := invalidations + tests.figure('cache_invalidations');
END
$$;
