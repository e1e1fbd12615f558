-- APIs of every kind, with keys of prefixes of their own.
\o /dev/null
SELECT unkey_create_api('payments', default_prefix => 'pay') AS payments, unkey_create_api('Odd.name_-1', default_prefix => 'o_') AS odd,
    unkey_create_api('sealed', default_prefix => 'sl', key_format => 'checksum') AS sealed, unkey_create_api('bare-sealed', key_format => 'checksum') AS bare_sealed,
    unkey_create_api('bare') AS bare, unkey_create_api('gone', default_prefix => 'gone') AS gone \gset
SELECT FROM unkey_create_key(:'payments', prefix => 'live_4');
SELECT FROM unkey_create_key(:'sealed', prefix => 'sl2');
SELECT unkey_delete_api(:'gone');
-- More prefixes than a rule takes.
SELECT unkey_create_api('many') AS many \gset
SELECT count(key) FROM generate_series(1, 150) AS n, unkey_create_key(:'many', prefix => 'c' || lpad(n::text, 3, '0'));
