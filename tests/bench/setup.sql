-- Keys for the scripts of this folder: 100,000 of each kind, found by number. The text of key number n is known from n,
-- so that a script can ask for a random one; real keys are random, their hashes are spread the same.
\set keys 100000

SELECT unkey_create_api('bench') AS api \gset

-- plain: nothing but a key. limited: one limit that is never reached. metered: a balance that never runs out.
INSERT INTO unkey.keys (api_id, hash, ratelimits)
SELECT :'api', sha256(('plain_' || n)::bytea), '[]' FROM generate_series(1, :keys) AS n;

INSERT INTO unkey.keys (api_id, hash, ratelimits)
SELECT :'api', sha256(('limited_' || n)::bytea), '[{"id": "rl_bench", "name": "requests", "limit": 1000000000,
    "duration": 60000, "autoApply": true}]' FROM generate_series(1, :keys) AS n;

WITH metered AS (
    INSERT INTO unkey.keys (api_id, hash)
    SELECT :'api', sha256(('metered_' || n)::bytea) FROM generate_series(1, :keys) AS n RETURNING id
)
INSERT INTO unkey.credits (key_id, remaining) SELECT id, 1000000000000 FROM metered;

-- A root key whose text is known, too.
SELECT key_id AS root FROM unkey_create_root_key('bench', '{*}') \gset
UPDATE unkey.root_keys SET hash = sha256('unkey_bench') WHERE id = :'root';

-- What a server hands over together: fifty calls, their keys far from each other.
CREATE TABLE batches (n integer PRIMARY KEY, authorizations text[] NOT NULL, bodies text[] NOT NULL);
INSERT INTO batches
SELECT n, array_fill('Bearer unkey_bench'::text, '{50}'), array_agg('{"key": "plain_' || n + i * 2000 || '"}' ORDER BY i)
FROM generate_series(1, 2000) AS n, generate_series(0, 49) AS i GROUP BY n;

-- What the ratios compare with: a table read and written by primary key,
CREATE TABLE plain_rows (id integer PRIMARY KEY, value bigint NOT NULL) WITH (fillfactor = 50);
INSERT INTO plain_rows SELECT n, 0 FROM generate_series(1, :keys) AS n;

-- and verification the way people write it by hand.
CREATE TABLE api_keys (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    hash             bytea NOT NULL UNIQUE,
    name             text,
    enabled          boolean NOT NULL DEFAULT true,
    expires_at       timestamptz,
    credits          bigint,
    limit_per_minute bigint
);
CREATE TABLE api_key_windows (
    key_id       bigint REFERENCES api_keys,
    window_start timestamptz,
    calls        bigint NOT NULL,
    PRIMARY KEY (key_id, window_start)
);
INSERT INTO api_keys (hash, name) SELECT sha256(('plain_' || n)::bytea), 'key ' || n FROM generate_series(1, :keys) AS n;
INSERT INTO api_keys (hash, name, credits, limit_per_minute)
SELECT sha256(('metered_' || n)::bytea), 'key ' || n, 1000000000000, 1000000000 FROM generate_series(1, :keys) AS n;

CREATE FUNCTION plpgsql_verify(key text)
    RETURNS TABLE (valid boolean, code text, key_id bigint, name text, credits bigint)
    LANGUAGE plpgsql AS $$
DECLARE
    found_key api_keys;
    counted   bigint;
BEGIN
    SELECT * INTO found_key FROM api_keys WHERE hash = sha256(key::bytea);
    IF NOT FOUND THEN
        RETURN QUERY SELECT false, 'NOT_FOUND', NULL::bigint, NULL::text, NULL::bigint;
        RETURN;
    END IF;
    IF NOT found_key.enabled THEN
        RETURN QUERY SELECT false, 'DISABLED', found_key.id, found_key.name, found_key.credits;
        RETURN;
    END IF;
    IF found_key.expires_at < now() THEN
        RETURN QUERY SELECT false, 'EXPIRED', found_key.id, found_key.name, found_key.credits;
        RETURN;
    END IF;
    IF found_key.limit_per_minute IS NOT NULL THEN
        INSERT INTO api_key_windows AS w VALUES (found_key.id, date_trunc('minute', now()), 1)
        ON CONFLICT ON CONSTRAINT api_key_windows_pkey DO UPDATE SET calls = w.calls + 1
        RETURNING calls INTO counted;
        IF counted > found_key.limit_per_minute THEN
            RETURN QUERY SELECT false, 'RATE_LIMITED', found_key.id, found_key.name, found_key.credits;
            RETURN;
        END IF;
    END IF;
    IF found_key.credits IS NOT NULL THEN
        UPDATE api_keys AS k SET credits = k.credits - 1 WHERE k.id = found_key.id AND k.credits > 0
        RETURNING k.credits INTO found_key.credits;
        IF NOT FOUND THEN
            RETURN QUERY SELECT false, 'USAGE_EXCEEDED', found_key.id, found_key.name, 0::bigint;
            RETURN;
        END IF;
    END IF;
    RETURN QUERY SELECT true, 'VALID', found_key.id, found_key.name, found_key.credits;
END $$;
