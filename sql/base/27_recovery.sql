-- Recoverable keys: their texts, encrypted by data keys, which are wrapped by a master key that is not in the database.

CREATE TABLE unkey.encryption_keys (
    id         text COLLATE "C" PRIMARY KEY CHECK (unkey.is_id(id)),
    master_id  text COLLATE "C" NOT NULL CHECK (length(master_id) = 16),
    wrapped    bytea NOT NULL CHECK (octet_length(wrapped) = 72),
    created_at unkey.instant NOT NULL DEFAULT unkey.now()
);
COMMENT ON TABLE unkey.encryption_keys IS 'Data keys of recoverable keys. Of no use without the file of unkey.master_key_file.';
COMMENT ON COLUMN unkey.encryption_keys.id IS 'kek_…';
COMMENT ON COLUMN unkey.encryption_keys.master_id IS 'Which master key wrapped it: 64 bits of an HMAC-SHA256 under the master key, as hexadecimal text.';
COMMENT ON COLUMN unkey.encryption_keys.wrapped IS 'XChaCha20-Poly1305 of the data key: nonce, ciphertext, tag. Opens for this id and master_id only.';
COMMENT ON COLUMN unkey.encryption_keys.created_at IS 'When it was made.';

CREATE TABLE unkey.encrypted_keys (
    key_id            text COLLATE "C" PRIMARY KEY REFERENCES unkey.keys ON DELETE CASCADE,
    encryption_key_id text COLLATE "C" NOT NULL REFERENCES unkey.encryption_keys,
    ciphertext        bytea NOT NULL CHECK (octet_length(ciphertext) BETWEEN 41 AND 1024)
);
CREATE INDEX encrypted_keys_encryption_key_id_idx ON unkey.encrypted_keys (encryption_key_id);
COMMENT ON TABLE unkey.encrypted_keys IS 'Texts of recoverable keys, encrypted. A key without a row is not recoverable.';
COMMENT ON COLUMN unkey.encrypted_keys.key_id IS 'The key.';
COMMENT ON COLUMN unkey.encrypted_keys.encryption_key_id IS 'Which data key encrypted it.';
COMMENT ON COLUMN unkey.encrypted_keys.ciphertext IS 'XChaCha20-Poly1305 of the text: nonce, ciphertext, tag. Opens for this key_id and encryption_key_id only.';

CREATE FUNCTION unkey.forget_text() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- Asked first: a statement that deletes nothing would still run the triggers of the audit log.
    IF EXISTS (SELECT FROM unkey.encrypted_keys WHERE key_id = NEW.id) THEN
        DELETE FROM unkey.encrypted_keys WHERE key_id = NEW.id;
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION unkey.forget_text() IS 'Trigger of unkey.keys: a deleted key can''t be recovered.';

CREATE TRIGGER forget_text AFTER UPDATE OF deleted_at ON unkey.keys
    FOR EACH ROW WHEN (NEW.deleted_at IS NOT NULL)
    EXECUTE FUNCTION unkey.forget_text();
COMMENT ON TRIGGER forget_text ON unkey.keys IS 'Removes the encrypted text of a key that is deleted, by function or by hand.';

SELECT pg_catalog.pg_extension_config_dump('unkey.encryption_keys', '');
SELECT pg_catalog.pg_extension_config_dump('unkey.encrypted_keys', '');

CREATE FUNCTION @extschema@.unkey_decrypt_key(key_id text) RETURNS text
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_decrypt_key_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_decrypt_key(text) IS
'The text of a recoverable key; NULL if the key is not recoverable or no master key of the key file opens it.
Every text that is given away is recorded in the audit log.
Errors: 42704 unknown or deleted, 55000 the key is recoverable and there is no usable key file, 25006 in a read-only transaction, 22004 NULL.';

CREATE FUNCTION @extschema@.unkey_reencrypt_keys(texts boolean DEFAULT false) RETURNS bigint
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'unkey_reencrypt_keys_wrapper';
COMMENT ON FUNCTION @extschema@.unkey_reencrypt_keys(boolean) IS
'After a change of the master key: wraps every data key under the current master key and returns how many rows changed; then older master keys can leave the key file. texts: also encrypt every text anew, under a fresh data key. What no master key of the file opens stays as it is.
Errors: 55000 there is no usable key file.';
