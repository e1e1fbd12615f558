-- Keys where they do not belong: found in a text, and rules for scanners that find them elsewhere.

CREATE TYPE unkey.leaked_key AS (
    key_id   text,
    api_id   text,
    start    text,
    enabled  boolean,
    expires  timestamptz,
    position integer,
    length   integer
);
COMMENT ON TYPE unkey.leaked_key IS 'A live key that stands in a text.';
COMMENT ON COLUMN unkey.leaked_key.key_id IS 'Id of the key.';
COMMENT ON COLUMN unkey.leaked_key.api_id IS 'Id of its API; NULL for a root key.';
COMMENT ON COLUMN unkey.leaked_key.start IS 'Visible beginning of the key text; empty for imported keys.';
COMMENT ON COLUMN unkey.leaked_key.enabled IS 'Whether it is enabled.';
COMMENT ON COLUMN unkey.leaked_key.expires IS 'When it expires, or expired; NULL for never.';
COMMENT ON COLUMN unkey.leaked_key.position IS 'Where it begins in the text, in characters from 1.';
COMMENT ON COLUMN unkey.leaked_key.length IS 'How many characters of the text it is.';

CREATE FUNCTION @extschema@.unkey_scan(content text) RETURNS SETOF unkey.leaked_key
    LANGUAGE c STABLE PARALLEL SAFE STRICT COST 1000 ROWS 10
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_scan_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_scan(text) IS
'Finds the keys and root keys of this database in a text of any kind (source code, logs, JSON, URLs), a row for each place where one stands. Those that are disabled or expired are among them, deleted ones are not. Nothing of the text is stored or logged by the extension; Postgres logs it as any parameter: log_parameter_max_length = 0 and no log_statement. NULL: no rows.
Found are: every key with the key format checksum; every other key made here, unless a character of base58 (letters and digits but 0, O, I, l) follows, or precedes one that has no prefix; an imported key that has 16 to 512 letters, digits and _ - . ~ + / (and = at its end), begins and ends where a word does, and has at most 8 words, of which one has 16 characters or mixes small letters, capitals and digits. A word is letters and digits; escapes (%22, \n, \u0022) end before it. Not found are keys that are encoded (base64, gzip) or broken over lines.
No errors.';

CREATE FUNCTION @extschema@.unkey_scanner_rules(
    tool text,
    verify_url text DEFAULT NULL
) RETURNS text
    LANGUAGE c STABLE PARALLEL SAFE CALLED ON NULL INPUT COST 10000
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_scanner_rules_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_scanner_rules(text, text) IS
'Rules by which others find keys of this database: a configuration for a scanner, with a rule for each API, made from its key format and from the prefixes of its keys, and one for root keys. Keys with the format checksum are told by their layout; plain ones by prefix, so an API whose keys have none gets a comment instead. Imported keys are not covered. Reads all keys once.
tool: gitleaks (TOML, on top of its own rules) or trufflehog (custom detectors in YAML). verify_url, of trufflehog only: an address (http:// or https://, at most 2048 characters) that it sends what it found to, as JSON in a POST; 200 says that a key is live.
Errors: 22023 another tool or address, 22004 tool is NULL.';
