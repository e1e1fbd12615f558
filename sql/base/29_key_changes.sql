-- Sessions keep what they know of keys, root keys and the workspace until something about one changes. Whatever changes it, a
-- function, a statement written by hand, COPY or replication, fires one of these triggers, which has Postgres tell all sessions at
-- the commit, here and on standbys: that one key or identity changed, or that any may have. For each row, because statement triggers do not fire
-- where replicated changes are applied; ALWAYS, because others do not either.

CREATE UNLOGGED TABLE unkey.key_changes ();
COMMENT ON TABLE unkey.key_changes IS 'Empty for good. Triggers name it in the message with which Postgres tells all sessions that something about a key changed.';

CREATE UNLOGGED TABLE unkey.common_changes ();
COMMENT ON TABLE unkey.common_changes IS 'Empty for good. Triggers name it in the message with which Postgres tells all sessions that any key may have changed: what changed is of no single key or identity, or many changed at once.';

CREATE FUNCTION unkey.key_changed() RETURNS trigger
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT AS 'MODULE_PATHNAME', 'unkey_key_was_changed_wrapper';
COMMENT ON FUNCTION unkey.key_changed() IS
'Trigger: has all sessions forget what they know of the key of the row, or of the keys of the identity, when the transaction commits, and this one with its next statement; of all keys if the row is of neither, after TRUNCATE, and when a transaction changed many. Errors: 39P01 called otherwise.';

CREATE FUNCTION unkey.key_linked() RETURNS trigger
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT AS 'MODULE_PATHNAME', 'unkey_key_was_linked_wrapper';
COMMENT ON FUNCTION unkey.key_linked() IS
'Trigger of tables with a key_id: as unkey.key_changed, unless the key was made by the same transaction, so that nobody knows it yet. Errors: 39P01 called otherwise.';

DO $$
DECLARE
    watched record;
BEGIN
    -- A row of keys, apis, identities, roles or permissions that is new concerns no key that anybody knows.
    FOR watched IN
        SELECT * FROM (VALUES
            ('keys', 'key_changed', 'UPDATE OR DELETE'),
            ('apis', 'key_changed', 'UPDATE OR DELETE'),
            ('identities', 'key_changed', 'UPDATE OR DELETE'),
            ('roles', 'key_changed', 'UPDATE OR DELETE'),
            ('permissions', 'key_changed', 'UPDATE OR DELETE'),
            ('role_permissions', 'key_changed', 'INSERT OR UPDATE OR DELETE'),
            ('key_roles', 'key_changed', 'UPDATE OR DELETE'),
            ('key_roles', 'key_linked', 'INSERT'),
            ('key_permissions', 'key_changed', 'UPDATE OR DELETE'),
            ('key_permissions', 'key_linked', 'INSERT'),
            ('credits', 'key_changed', 'DELETE'),
            ('credits', 'key_linked', 'INSERT'),
            -- Who may ask.
            ('root_keys', 'key_changed', 'UPDATE OR DELETE'),
            ('workspace', 'key_changed', 'INSERT OR UPDATE OR DELETE')
        ) AS list (name, routine, events)
    LOOP
        EXECUTE format('CREATE TRIGGER %1$I AFTER %2$s ON unkey.%3$I FOR EACH ROW EXECUTE FUNCTION unkey.%1$I()',
            watched.routine, watched.events, watched.name);
        EXECUTE format('ALTER TABLE unkey.%I ENABLE ALWAYS TRIGGER %I', watched.name, watched.routine);
        EXECUTE format('COMMENT ON TRIGGER %I ON unkey.%I IS %L', watched.routine, watched.name,
            'Has all sessions forget what they know of keys.');
        IF watched.routine = 'key_changed' THEN
            EXECUTE format('CREATE TRIGGER keys_truncated AFTER TRUNCATE ON unkey.%I FOR EACH STATEMENT EXECUTE FUNCTION unkey.key_changed()',
                watched.name);
            EXECUTE format('ALTER TABLE unkey.%I ENABLE ALWAYS TRIGGER keys_truncated', watched.name);
            EXECUTE format('COMMENT ON TRIGGER keys_truncated ON unkey.%I IS %L', watched.name,
                'Has all sessions forget what they know of keys.');
        END IF;
    END LOOP;
END
$$;

-- Whether there is a balance is known; what it is changes with every use and is not. Who applies replicated changes sets all columns.
CREATE TRIGGER key_moved AFTER UPDATE OF key_id ON unkey.credits
    FOR EACH ROW WHEN (OLD.key_id IS DISTINCT FROM NEW.key_id)
    EXECUTE FUNCTION unkey.key_changed();
ALTER TABLE unkey.credits ENABLE ALWAYS TRIGGER key_moved;
COMMENT ON TRIGGER key_moved ON unkey.credits IS 'Has all sessions forget what they know of keys.';
