-- A table as auth libraries for web frameworks have it: the key, its balance and the window of its rate limit in one wide row,
-- which three statements of the application read and write (scripts/library.pgbench).
CREATE TABLE library_keys (
    id                     text PRIMARY KEY,
    name                   text,
    start                  text,
    key                    text NOT NULL,
    user_id                text NOT NULL,
    refill_interval        integer,
    refill_amount          integer,
    last_refill_at         timestamptz,
    enabled                boolean NOT NULL DEFAULT true,
    rate_limit_enabled     boolean NOT NULL DEFAULT true,
    rate_limit_time_window integer NOT NULL DEFAULT 60000,
    rate_limit_max         integer NOT NULL DEFAULT 1000000000,
    request_count          integer NOT NULL DEFAULT 0,
    remaining              bigint,
    last_request           timestamptz,
    expires_at             timestamptz,
    created_at             timestamptz NOT NULL DEFAULT now(),
    updated_at             timestamptz NOT NULL DEFAULT now(),
    permissions            text,
    metadata               text
);
CREATE INDEX library_keys_key_idx ON library_keys (key);
CREATE INDEX library_keys_user_id_idx ON library_keys (user_id);

-- A script can send the text of a key and nothing else, so here that text is the id and stands where the hash would.
INSERT INTO library_keys (id, name, start, key, user_id, remaining, permissions, metadata)
SELECT 1000000000000000000 + n, 'key ' || n, left(key.id, 6), 1000000000000000000 + n, 'customer_' || n / 10, 1000000000000,
    '{"documents": ["read", "list"], "orders": ["read", "create"]}', '{"team": "blue"}'
FROM numbered_keys AS key;
