-- Plain tables with as many rows as there are keys.

-- What a verification of the plain key of that number answers, stored as a row: as wide, of the same types, found by number.
CREATE TABLE answers (
    id          integer PRIMARY KEY,
    valid       boolean NOT NULL,
    code        text NOT NULL,
    key_id      text NOT NULL,
    name        text,
    meta        jsonb,
    expires     timestamptz,
    credits     bigint,
    enabled     boolean NOT NULL,
    roles       text[] NOT NULL,
    permissions text[] NOT NULL,
    identity    jsonb,
    ratelimits  jsonb
);
INSERT INTO answers
SELECT key.n, true, 'VALID', key.id, CASE WHEN key.n % 2 = 0 THEN 'key ' || key.n END, '{"team": "blue"}', NULL, NULL, true,
    ARRAY[role.name], role.slugs, jsonb_build_object('id', identity.id, 'externalId', 'customer_' || identity.n, 'meta', '{"plan": "pro"}'::jsonb), NULL
FROM numbered_keys AS key
JOIN numbered_identities AS identity ON identity.n = key.n / 10
JOIN (
    SELECT role.n, role.name, array_agg(permission.slug ORDER BY permission.slug) AS slugs
    FROM numbered_roles AS role JOIN numbered_permissions AS permission ON (permission.n - role.n) % 15 = 0 GROUP BY role.n, role.name
) AS role ON role.n = key.n / 7 % 100;

-- The same rows, found as a key has to be: by a hash.
CREATE TABLE hashed_answers AS
SELECT sha256((1000000000000000000 + id)::text::bytea) AS hash, answers.* FROM answers;
ALTER TABLE hashed_answers ADD PRIMARY KEY (hash);

-- The table that pgbench --select-only reads.
CREATE TABLE accounts (aid integer PRIMARY KEY, bid integer, abalance integer, filler character(84));
INSERT INTO accounts SELECT n, n / 100000, 0, '' FROM generate_series(0, :keys - 1) AS n;

-- The narrowest row that holds a balance.
CREATE TABLE balances (id integer PRIMARY KEY, value bigint NOT NULL) WITH (fillfactor = 50);
INSERT INTO balances SELECT n, 0 FROM generate_series(0, :keys - 1) AS n;
