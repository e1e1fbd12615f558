-- What the examples of docs/analytics.md are asked about: a few verifications on two days.
CREATE EXTENSION unkey;
SET timezone = 'UTC';
SET datestyle = ISO;
SELECT set_config('unkey.clock', unkey.to_ms('2025-01-15 12:00Z')::text, false) \gset
SELECT unkey_create_api('documented') AS api_id \gset
SELECT key AS one FROM unkey_create_key(:'api_id', name => 'busy', external_id => 'user_1', credits => 5) \gset
SELECT key AS two FROM unkey_create_key(:'api_id', name => 'other', external_id => 'user_2') \gset
SELECT key_id FROM unkey_create_key(:'api_id', name => 'forgotten') \gset
SELECT set_config('unkey.clock', unkey.to_ms('2025-03-13 09:30Z')::text, false) \gset
SELECT count(*) AS verified FROM unkey_verify_keys(ARRAY[:'one', :'one'], tags => '{path=/read}') \gset
SELECT set_config('unkey.clock', unkey.to_ms('2025-03-14 12:00Z')::text, false) \gset
SELECT count(*) AS verified FROM unkey_verify_keys(ARRAY[:'one', :'one'], tags => '{path=/read}') \gset
SELECT drained FROM unkey.maintain() \gset
SELECT count(*) AS verified FROM unkey_verify_keys(ARRAY[:'one', :'one'], tags => '{path=/write}') \gset
SELECT code FROM unkey_verify_key(:'two', tags => '{path=/read}') \gset
