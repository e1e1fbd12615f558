-- What docs/explain.md is asked about: a customer's key in the middle of an afternoon.
CREATE EXTENSION unkey;
SET timezone = 'UTC';
SET datestyle = ISO;
SELECT unkey_create_api('payments') AS api_id \gset
SELECT set_config('unkey.clock', unkey.to_ms('2025-03-14 15:00:40Z')::text, false) \gset
SELECT unkey_create_role('accountant', permissions => '{invoices.read,invoices.write}') \gset
