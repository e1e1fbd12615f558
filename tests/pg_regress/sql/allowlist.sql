-- Allow-lists of APIs and of keys: an address must be on both, and an empty list lets every address through.
\pset null '-'
SELECT unkey_create_api('allowlist', ip_allowlist => '{1.2.3.4}') AS api \gset
SELECT key_id, key FROM unkey_create_key(:'api') \gset

-- C.6, VK-16: listed, unknown, not listed.
SELECT 'C.6' AS "case", code FROM unkey_verify_key(:'key', ip => '1.2.3.4');
SELECT 'VK-16' AS "case", valid, code, key_id = :'key_id' AS same_key FROM unkey_verify_key(:'key', ip => '5.6.7.8');
SELECT 'C.6' AS "case", code FROM unkey_verify_key(:'key');

-- VK-17: addresses of a patch are trimmed.
SELECT unkey_update_api(:'api', '{"ipWhitelist": [" 1.2.3.4 ", "  5.6.7.8"]}') \gset
SELECT 'VK-17' AS "case", code FROM unkey_verify_key(:'key', ip => '5.6.7.8');
SELECT 'VK-17' AS "case", ip_allowlist FROM unkey_get_api(:'api');

-- VK-19: the address is judged before permissions; nothing is counted or spent for a wrong one.
SELECT key AS metered FROM unkey_create_key(:'api', credits => 5,
    ratelimits => '[{"name": "allowlist", "limit": 1, "duration": 60000, "autoApply": true}]') \gset
SELECT 'VK-19' AS "case", code, credits, ratelimits
FROM unkey_verify_key(:'metered', permissions => 'a', ip => '9.9.9.9');
SELECT 'VK-19' AS "case", code, credits FROM unkey_verify_key(:'metered', ip => '5.6.7.8');

-- Section 6: networks of both families, on the API. The last two are an IPv4 address written as IPv6.
SELECT unkey_update_api(:'api', '{"ipWhitelist": ["10.0.0.0/8", "192.168.1.128/25", "2001:db8::/32", "::1"]}') \gset
SELECT 'networks' AS "case", ip, code FROM unnest(ARRAY['10.255.0.1', '11.0.0.1', '192.168.1.128', '192.168.1.127',
    '192.168.1.255', '2001:db8:ffff::1', '2001:db9::1', '::1', '::2', '0.0.0.1', '::ffff:10.1.1.1',
    '::ffff:11.1.1.1']::inet[]) WITH ORDINALITY AS asked (ip, n), unkey_verify_key(:'key', ip => ip) ORDER BY n;

-- The address counts, not the network it is written with.
SELECT 'networks' AS "case", code FROM unkey_verify_key(:'key', ip => '10.1.1.1/4');
SELECT 'networks' AS "case", code FROM unkey_verify_key(:'key', ip => '11.1.1.1/4');

-- A list of a key narrows that of its API.
SELECT key_id AS own_id, key AS own FROM unkey_create_key(:'api', ip_allowlist => '{10.1.0.0/16,203.0.113.0/24}') \gset
SELECT 'key' AS "case", ip, code FROM unnest('{10.1.1.1,10.2.1.1,203.0.113.5,::1}'::inet[]) WITH ORDINALITY AS asked (ip, n),
    unkey_verify_key(:'own', ip => ip) ORDER BY n;
SELECT 'key' AS "case", code FROM unkey_verify_key(:'own');

-- A patch may write a network by any of its addresses, as in other allow-lists.
SELECT unkey_update_key(:'own_id', '{"ipWhitelist": ["10.1.2.3/16"]}') \gset
SELECT 'any address' AS "case", ip_allowlist FROM unkey_get_key(:'own_id');
SELECT 'any address' AS "case", code FROM unkey_verify_key(:'own', ip => '10.1.255.255');

-- It can be replaced and cleared, as can the API's; an empty list is none.
SELECT unkey_update_key(:'own_id', '{"ipWhitelist": ["::1"]}') \gset
SELECT 'replaced' AS "case", ip, code FROM unnest('{10.1.1.1,::1}'::inet[]) WITH ORDINALITY AS asked (ip, n),
    unkey_verify_key(:'own', ip => ip) ORDER BY n;
SELECT unkey_update_key(:'own_id', '{"ipWhitelist": []}') \gset
SELECT 'emptied' AS "case", code FROM unkey_verify_key(:'own', ip => '10.2.1.1');
SELECT unkey_update_api(:'api', '{"ipWhitelist": null}') \gset
SELECT 'cleared' AS "case", code FROM unkey_verify_key(:'own');
SELECT 'cleared' AS "case", code FROM unkey_verify_key(:'own', ip => '198.51.100.1');

-- Everything is a network, too; the two families are not the same everything.
UPDATE unkey.apis SET ip_allowlist = '{0.0.0.0/0}' WHERE id = :'api';
SELECT 'all of IPv4' AS "case", ip, code FROM unnest(ARRAY['198.51.100.1', '::1', NULL]::inet[]) WITH ORDINALITY AS asked (ip, n),
    unkey_verify_key(:'own', ip => ip) ORDER BY n;

-- What is not an address or network is refused; Postgres itself reads the SQL arguments.
SELECT 'wrong' AS "case", e.*
FROM tests.error(format('SELECT unkey_update_api(%L, ''{"ipWhitelist": ["10.0.0.1", "10.0.0"]}'')', :'api')) AS e;
SELECT 'wrong' AS "case", e.*
FROM tests.error(format('SELECT unkey_update_key(%L, ''{"ipWhitelist": ["10.0.0.0/33"]}'')', :'own_id')) AS e;
SELECT 'wrong' AS "case", e.*
FROM tests.error(format('SELECT unkey_create_key(%L, ip_allowlist => ARRAY[''10.0.0.1'', NULL]::cidr[])', :'api')) AS e;
SELECT 'wrong' AS "case", e.*
FROM tests.error(format('SELECT unkey_verify_key(%L, ip => ''10.0.0.256'')', :'own')) AS e;
