-- Every key has an identity and a little metadata, every other one a name. They refer to each other by construction, so nothing is
-- checked row by row.
SET session_replication_role = replica;

SELECT id AS api FROM unkey.apis WHERE name = 'bench' \gset

INSERT INTO unkey.keys (id, api_id, identity_id, hash, name, meta, ratelimits)
SELECT key.id, :'api', identity.id, key.hash, CASE WHEN key.n % 2 = 0 THEN 'key ' || key.n END, '{"team": "blue"}',
    CASE WHEN key.n % 10 = 9
        THEN '[{"id": "rl_bench", "name": "requests", "limit": 1000000000, "duration": 60000, "autoApply": true}]'::jsonb ELSE '[]' END
FROM numbered_keys AS key JOIN numbered_identities AS identity ON identity.n = key.n / 10;

INSERT INTO unkey.credits (key_id, remaining) SELECT id, 1000000000000 FROM numbered_keys WHERE n % 10 = 8;
