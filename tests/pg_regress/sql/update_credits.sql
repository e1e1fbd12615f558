-- unkey_update_credits: set, increment, decrement; a value, an explicit NULL, no value at all.
SET datestyle = ISO;
SET timezone = 'UTC';
SELECT unkey_create_api('update-credits') AS api_id \gset
SELECT tests.at('2026-03-03 12:00+00');
-- A fresh key with this balance and, if asked for, a daily refill of 5.
CREATE FUNCTION pg_temp.fresh(credits bigint, refill boolean DEFAULT false) RETURNS text LANGUAGE sql
AS $$
    SELECT key_id FROM unkey_create_key((SELECT id FROM unkey.apis WHERE name = 'update-credits' ORDER BY created_at DESC LIMIT 1),
        credits => credits, refill_interval => CASE WHEN refill THEN 'daily' END, refill_amount => CASE WHEN refill THEN 5 END)
$$;

-- CR-10, CR-11: each operation answers the new balance, and that is what a reader sees.
CREATE FUNCTION pg_temp.changed(key_id text, operation text, value bigint, OUT answer bigint, OUT credits bigint) LANGUAGE plpgsql AS $$
BEGIN
    answer := unkey_update_credits(key_id, operation, value);
    credits := (unkey_get_key(key_id)).credits;
END
$$;
SELECT "case", balance, operation, value, changed.*
FROM (VALUES
    ('CR-10', 10, 'increment', 5), ('CR-10', 10, 'decrement', 3), ('CR-11', 10, 'decrement', 100), ('', 10, 'decrement', 10),
    ('', 10, 'set', 7), ('', 10, 'set', 0), ('', 10, 'increment', 0), ('', 10, 'decrement', 0), ('', 0, 'decrement', 1), ('', 0, 'increment', 1),
    ('', NULL, 'set', 9), ('', 10, 'set', 9223372036854775807), ('', 10, 'increment', 9223372036854775807),
    ('', 10, 'decrement', 9223372036854775807), ('', 9223372036854775807, 'increment', 1)
) AS changes("case", balance, operation, value), pg_temp.changed(pg_temp.fresh(balance), operation, value) AS changed;
-- What was set can be spent.
SELECT * FROM unkey_create_key(:'api_id', credits => 1) \gset
SELECT unkey_update_credits(:'key_id', 'set', 2);
SELECT n, code, credits FROM generate_series(1, 3) AS n, unkey_verify_key(substr(:'key', 1, n * 100));

-- CR-13: set without a value makes the key unlimited and keeps its refill; an explicit NULL forgets the refill too.
SELECT pg_temp.fresh(10, refill => true) AS absent_id, pg_temp.fresh(10, refill => true) AS null_id, pg_temp.fresh(10, refill => true) AS named_id \gset
SELECT 'CR-13' AS "case", 'absent' AS value, unkey_update_credits(:'absent_id', 'set') AS answer
UNION ALL SELECT 'CR-13', 'NULL', unkey_update_credits(:'null_id', 'set', NULL)
UNION ALL SELECT 'CR-13', 'NULL by name', unkey_update_credits(key_id => :'named_id', operation => 'set', value => NULL);
SELECT 'CR-13' AS "case", value, credits, refill_interval, refill_amount, refill_day
FROM (VALUES ('absent', :'absent_id'), ('NULL', :'null_id'), ('NULL by name', :'named_id')) AS keys(value, id), unkey_get_key(id);
-- The refill that was kept works for the next balance.
SELECT unkey_update_credits(:'absent_id', 'set', 1);
SELECT tests.at('2026-03-03 23:59:59.999+00');
SELECT 'same day' AS "when", credits FROM unkey_get_key(:'absent_id');
SELECT tests.at('2026-03-04 00:00+00');
SELECT 'next day' AS "when", credits FROM unkey_get_key(:'absent_id');
SELECT tests.at('2026-03-03 12:00+00');

-- set with a value keeps the refill.
SELECT pg_temp.fresh(10, refill => true) AS refill_id \gset
SELECT unkey_update_credits(:'refill_id', 'set', 3);
SELECT unkey_update_credits(:'refill_id', 'increment', 1);
SELECT credits, refill_interval, refill_amount FROM unkey_get_key(:'refill_id');

-- A refill that came due is settled first: the change is made to what every reader saw.
SELECT pg_temp.fresh(1, refill => true) AS one_id, pg_temp.fresh(1, refill => true) AS two_id, pg_temp.fresh(9, refill => true) AS three_id \gset
SELECT tests.at('2026-03-04 12:00+00');
SELECT operation, value, unkey_update_credits(id, operation, value) AS answer
FROM (VALUES (:'one_id', 'increment', 10), (:'two_id', 'decrement', 2), (:'three_id', 'decrement', 8)) AS changes(id, operation, value);
SELECT credits, last_refill_at FROM unnest(ARRAY[:'one_id', :'two_id', :'three_id']) AS id, unkey_get_key(id);
-- And it does not come due twice.
SELECT unkey_update_credits(:'two_id', 'set', 0) AS set_to_0;
SELECT tests.at('2026-03-04 23:59:59.999+00');
SELECT credits FROM unkey_get_key(:'two_id');
SELECT tests.at(NULL);

-- CR-14: unlimited credits can't go up or down. CR-16: no negative values. CR-17: unknown key. CR-19: unknown operation.
SELECT key_id AS unlimited_id FROM unkey_create_key(:'api_id') \gset
SELECT pg_temp.fresh(1) AS limited_id \gset
SELECT "case", arguments, state, replace(message, :'unlimited_id', '<unlimited>') AS message, hint
FROM (VALUES
    ('CR-14', ':unlimited, ''increment'', 5'), ('CR-14', ':unlimited, ''decrement'', 5'), ('CR-14', ':unlimited, ''increment'', 0'),
    ('CR-16', ':limited, ''set'', -1'), ('CR-16', ':limited, ''increment'', -1'), ('CR-16', ':limited, ''decrement'', -9223372036854775808'),
    ('CR-17', '''key_nope'', ''set'', 1'), ('CR-17', '''key_nope'', ''set'', NULL'), ('CR-17', '''key_nope'', ''set'''),
    ('CR-19', ':limited, ''add'', 1'), ('CR-19', ':limited, ''add'''), ('CR-19', ':limited, ''SET'', 1'), ('CR-19', ':limited, '''', NULL'),
    ('', ':limited, ''increment'', NULL'), ('', ':limited, ''decrement'', NULL'), ('', ':limited, ''increment'''), ('', ':limited, ''decrement'''),
    ('', 'NULL, ''set'', 1'), ('', ':limited, NULL, 1'), ('', 'NULL, ''set'''), ('', ':limited, NULL')
) AS wrong("case", arguments), tests.error(format('SELECT unkey_update_credits(%s)',
    replace(replace(arguments, ':unlimited', quote_literal(:'unlimited_id')), ':limited', quote_literal(:'limited_id'))));
SELECT limited.credits AS limited, unlimited.credits AS unlimited FROM unkey_get_key(:'limited_id') AS limited, unkey_get_key(:'unlimited_id') AS unlimited;
-- unkey.credits has a row exactly for the limited ones.
SELECT keys.name, remaining FROM (VALUES ('limited', :'limited_id'), ('unlimited', :'unlimited_id'), ('made unlimited', :'null_id')) AS keys(name, id)
    LEFT JOIN unkey.credits ON key_id = id ORDER BY keys.name COLLATE "C";
-- An abort gives a change back.
BEGIN;
SELECT unkey_update_credits(:'limited_id', 'increment', 100);
ROLLBACK;
SELECT credits FROM unkey_get_key(:'limited_id');
