-- Analytics: what verifications and limits answered. A verification leaves its event in memory, from where the worker of the
-- database appends it to the partition of its day; or, without memory, it appends one row to a queue without an index. Either
-- way it waits for nobody. unkey.maintain() moves the queue into the partitions, and adds to the roll-ups what is new since the
-- last time. The views read all sides, so they answer the same before and after.

CREATE TABLE unkey.verification_queue (
    request_id    text COLLATE "C" NOT NULL,
    time          unkey.instant NOT NULL DEFAULT unkey.now(),
    key_space_id  text COLLATE "C" NOT NULL,
    api_id        text COLLATE "C" NOT NULL,
    key_id        text COLLATE "C" NOT NULL CHECK (length(key_id) <= 255),
    identity_id   text COLLATE "C",
    external_id   text COLLATE "C" CHECK (length(external_id) <= 255),
    outcome       text COLLATE "C" NOT NULL,
    region        text COLLATE "C" NOT NULL DEFAULT '',
    tags          text[] COLLATE "C" NOT NULL DEFAULT '{}',
    spent_credits bigint NOT NULL DEFAULT 0 CHECK (spent_credits >= 0),
    latency       double precision NOT NULL DEFAULT 0,
    source        text COLLATE "C" NOT NULL DEFAULT 'sql',
    role          text COLLATE "C" NOT NULL DEFAULT current_user
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000);
COMMENT ON TABLE unkey.verification_queue IS 'Verifications that were recorded without memory, or too late for the roll-ups, since the last unkey.maintain(); in no order and without an index.';

CREATE TABLE unkey.ratelimit_queue (
    request_id   text COLLATE "C" NOT NULL,
    time         unkey.instant NOT NULL DEFAULT unkey.now(),
    namespace_id text COLLATE "C" NOT NULL CHECK (length(namespace_id) <= 255),
    identifier   text COLLATE "C" NOT NULL CHECK (length(identifier) <= 255),
    passed       boolean NOT NULL,
    latency      double precision NOT NULL DEFAULT 0,
    override_id  text COLLATE "C",
    "limit"      bigint NOT NULL,
    remaining    bigint NOT NULL,
    reset_at     unkey.instant NOT NULL,
    tokens       bigint NOT NULL CHECK (tokens >= 0)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000);
COMMENT ON TABLE unkey.ratelimit_queue IS 'Calls of the standalone limiter that were recorded without memory, or too late for the roll-ups, since the last unkey.maintain(); in no order and without an index.';

-- Partitions are made by unkey.maintain(), are named for their day and do not belong to the extension. Each has indexes of its
-- own: with those of a parent that CREATE EXTENSION makes, pg_restore would make them twice.
CREATE TABLE unkey.verification_events (LIKE unkey.verification_queue INCLUDING DEFAULTS) PARTITION BY RANGE (time);
COMMENT ON TABLE unkey.verification_events IS 'Verifications of keys that were found, one partition per day (UTC), dropped after unkey.retention.';

-- From some ten thousand verifications a second on, a row for each takes more of the processors than the verifications. The worker then writes what has most in common once.
CREATE TABLE unkey.verification_bursts (
    time          unkey.instant NOT NULL,
    key_space_id  text COLLATE "C" NOT NULL,
    api_id        text COLLATE "C" NOT NULL,
    outcome       text COLLATE "C" NOT NULL,
    tags          text[] COLLATE "C" NOT NULL,
    spent_credits bigint NOT NULL,
    source        text COLLATE "C" NOT NULL,
    role          text COLLATE "C" NOT NULL,
    is_one_call   boolean NOT NULL,
    request_id    text COLLATE "C" NOT NULL,
    request_ids   text[] COLLATE "C",
    key_ids       text[] COLLATE "C" NOT NULL,
    identity_ids  text[] COLLATE "C",
    external_ids  text[] COLLATE "C",
    latencies     double precision[] NOT NULL
) PARTITION BY RANGE (time);
COMMENT ON TABLE unkey.verification_bursts IS 'Verifications of keys that were found, many in a row: those of one millisecond with the same answer, if they were 16 at least. One partition per day (UTC), dropped after unkey.retention. unkey.verifications shows them one by one.';

CREATE TABLE unkey.ratelimit_events (LIKE unkey.ratelimit_queue INCLUDING DEFAULTS) PARTITION BY RANGE (time);
COMMENT ON TABLE unkey.ratelimit_events IS 'Calls of the standalone limiter, one partition per day (UTC), dropped after unkey.retention.';

-- What tells one group of a key and an hour from another is hashed: tags are too long for an index.
CREATE TABLE unkey.verification_hours (
    time          unkey.instant NOT NULL,
    key_space_id  text COLLATE "C" NOT NULL,
    api_id        text COLLATE "C" NOT NULL,
    key_id        text COLLATE "C" NOT NULL,
    identity_id   text COLLATE "C",
    external_id   text COLLATE "C",
    outcome       text COLLATE "C" NOT NULL,
    tags          text[] COLLATE "C" NOT NULL,
    role          text COLLATE "C" NOT NULL,
    count         bigint NOT NULL CHECK (count > 0),
    spent_credits bigint NOT NULL CHECK (spent_credits >= 0),
    dimensions    bigint NOT NULL GENERATED ALWAYS AS
        (hash_record_extended(ROW(key_space_id, api_id, identity_id, external_id, outcome, tags, role), 0)) STORED,
    PRIMARY KEY (key_id, time, dimensions)
) WITH (fillfactor = 80);
CREATE INDEX verification_hours_external_id_time_idx ON unkey.verification_hours (external_id, time) WHERE external_id IS NOT NULL;
CREATE INDEX verification_hours_time_idx ON unkey.verification_hours (time);
CREATE TABLE unkey.verification_days (LIKE unkey.verification_hours INCLUDING ALL) WITH (fillfactor = 80);
COMMENT ON TABLE unkey.verification_hours IS 'Verifications per hour, kept for unkey.rollup_retention. Without what is still in the queue or newer than unkey.rolled_up says: the views have all.';
COMMENT ON TABLE unkey.verification_days IS 'Verifications per day, kept for unkey.rollup_retention. Without what is still in the queue or newer than unkey.rolled_up says: the views have all.';

CREATE TABLE unkey.ratelimit_hours (
    time          unkey.instant NOT NULL,
    namespace_id  text COLLATE "C" NOT NULL,
    identifier    text COLLATE "C" NOT NULL,
    passed        bigint NOT NULL CHECK (passed BETWEEN 0 AND total),
    total         bigint NOT NULL CHECK (total > 0),
    passed_tokens bigint NOT NULL CHECK (passed_tokens BETWEEN 0 AND total_tokens),
    total_tokens  bigint NOT NULL,
    PRIMARY KEY (namespace_id, identifier, time)
) WITH (fillfactor = 80);
CREATE INDEX ratelimit_hours_time_idx ON unkey.ratelimit_hours (time);
CREATE TABLE unkey.ratelimit_days (LIKE unkey.ratelimit_hours INCLUDING ALL) WITH (fillfactor = 80);
COMMENT ON TABLE unkey.ratelimit_hours IS 'Calls of the standalone limiter per hour, kept for unkey.rollup_retention. Without what is still in the queue or newer than unkey.rolled_up says: the views have all.';
COMMENT ON TABLE unkey.ratelimit_days IS 'Calls of the standalone limiter per day, kept for unkey.rollup_retention. Without what is still in the queue or newer than unkey.rolled_up says: the views have all.';

CREATE TABLE unkey.rolled_up (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    until     unkey.instant NOT NULL
);
COMMENT ON TABLE unkey.rolled_up IS 'How far the roll-ups have got: at most one row, and without one they have everything that is in partitions.';
COMMENT ON COLUMN unkey.rolled_up.singleton IS 'Always true: there is one row.';
COMMENT ON COLUMN unkey.rolled_up.until IS 'Events in partitions are in the roll-ups if they happened before this, and are not yet otherwise.';

CREATE TABLE unkey.key_usage (
    key_id       text COLLATE "C" PRIMARY KEY,
    last_used_at unkey.instant NOT NULL
) WITH (fillfactor = 50);
COMMENT ON TABLE unkey.key_usage IS 'When keys were last verified, as of the last unkey.maintain(). No foreign key: maintenance must not wait for who deletes a key.';

CREATE FUNCTION unkey.forget_usage() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM unkey.key_usage WHERE key_id = OLD.id;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION unkey.forget_usage() IS 'Trigger of unkey.keys: removes the row of key_usage with its key.';

CREATE TRIGGER forget_usage AFTER DELETE ON unkey.keys FOR EACH ROW EXECUTE FUNCTION unkey.forget_usage();
-- Where changes are replicated to, nobody else would.
ALTER TABLE unkey.keys ENABLE ALWAYS TRIGGER forget_usage;
COMMENT ON TRIGGER forget_usage ON unkey.keys IS 'Keeps key_usage without a foreign key.';

SELECT pg_catalog.pg_extension_config_dump('unkey.verification_queue', '');
SELECT pg_catalog.pg_extension_config_dump('unkey.verification_events', '');
SELECT pg_catalog.pg_extension_config_dump('unkey.verification_bursts', '');
SELECT pg_catalog.pg_extension_config_dump('unkey.verification_hours', '');
SELECT pg_catalog.pg_extension_config_dump('unkey.verification_days', '');
SELECT pg_catalog.pg_extension_config_dump('unkey.ratelimit_queue', '');
SELECT pg_catalog.pg_extension_config_dump('unkey.ratelimit_events', '');
SELECT pg_catalog.pg_extension_config_dump('unkey.ratelimit_hours', '');
SELECT pg_catalog.pg_extension_config_dump('unkey.ratelimit_days', '');
SELECT pg_catalog.pg_extension_config_dump('unkey.rolled_up', '');
SELECT pg_catalog.pg_extension_config_dump('unkey.key_usage', '');
