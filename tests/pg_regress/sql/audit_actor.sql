-- Who did it: the role that acts, through whatever functions, and who had logged in; the system, for what was due.
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_unkey_admin, regress_unkey_owner, regress_unkey_writer;
RESET client_min_messages;
CREATE ROLE regress_unkey_admin;
CREATE ROLE regress_unkey_owner;
CREATE ROLE regress_unkey_writer;
GRANT USAGE ON SCHEMA tests TO regress_unkey_admin, regress_unkey_writer;
SELECT unkey_create_api('audit-actor') AS api_id \gset
SELECT unkey.seal_audit_log() > 0 AS clean;
CREATE VIEW pg_temp.fresh AS SELECT event, actor_type, actor_id, actor_name = session_user AS logged_in_as_me, remote_ip, user_agent, seal FROM unkey.audit_log;

-- Plain, after SET ROLE, and through somebody's SECURITY DEFINER function.
GRANT EXECUTE ON FUNCTION unkey_create_permission, unkey_update_api TO regress_unkey_admin, regress_unkey_owner;
SELECT unkey_create_permission('audit-actor.me') LIKE 'perm%' AS made;
SET ROLE regress_unkey_admin;
SELECT unkey_create_permission('audit-actor.admin') LIKE 'perm%' AS made;
RESET ROLE;
CREATE FUNCTION tests.rename_api(id text) RETURNS void LANGUAGE sql SECURITY DEFINER AS $$SELECT unkey_update_api(id, '{"name": "audit-actor-2"}')$$;
ALTER FUNCTION tests.rename_api OWNER TO regress_unkey_owner;
SET ROLE regress_unkey_admin;
SELECT tests.rename_api(:'api_id');
RESET ROLE;
SELECT event, replace(actor_id, current_user, 'me') AS actor_id, logged_in_as_me, remote_ip, user_agent FROM fresh WHERE seal IS NULL ORDER BY 1, 2;
SELECT count(*) FROM tests.logged();

-- Who may write a table writes the log with it, and can do nothing else to it.
GRANT USAGE ON SCHEMA unkey TO regress_unkey_writer;
GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON unkey.permissions TO regress_unkey_writer;
GRANT EXECUTE ON FUNCTION unkey.is_id, unkey.new_id, unkey.now TO regress_unkey_writer;
SET ROLE regress_unkey_writer;
INSERT INTO unkey.permissions (slug, name) VALUES ('audit-actor.writer', 'by hand');
UPDATE unkey.permissions SET name = 'by hand, twice' WHERE slug = 'audit-actor.writer';
DELETE FROM unkey.permissions WHERE slug = 'audit-actor.writer';
SELECT state FROM tests.error('SELECT FROM unkey.audit_log');
SELECT state FROM tests.error($$SELECT unkey.record('forged', '{}', '[]', 1)$$);
RESET ROLE;
SELECT event, actor_id FROM fresh WHERE seal IS NULL ORDER BY 1;
SELECT count(*) FROM tests.logged();
-- Whatever is granted, the log only grows.
GRANT ALL ON unkey.audit_log, unkey.audit_seals TO regress_unkey_writer;
SET ROLE regress_unkey_writer;
SELECT statement, error.* FROM unnest(ARRAY['UPDATE unkey.audit_log SET description = ''''', 'DELETE FROM unkey.audit_log', 'DELETE FROM unkey.audit_log WHERE false',
    'TRUNCATE unkey.audit_log', 'UPDATE unkey.audit_seals SET seq = seq', 'DELETE FROM unkey.audit_seals', 'TRUNCATE unkey.audit_seals']) AS statement, tests.error(statement) AS error;
RESET ROLE;
SELECT * FROM tests.logged();

-- One correlation id for a transaction, savepoints or not, and another for the next.
BEGIN;
SELECT unkey_create_permission('audit-actor.t1') LIKE 'perm%' AS made;
SAVEPOINT s;
SELECT unkey_create_permission('audit-actor.t2') LIKE 'perm%' AS made;
RELEASE s;
COMMIT;
SELECT unkey_create_permission('audit-actor.t3') LIKE 'perm%' AS made;
SELECT string_agg(targets->0->>'name', ', ' ORDER BY targets->0->>'name') AS together FROM unkey.audit_log WHERE seal IS NULL GROUP BY correlation_id ORDER BY 1;
SELECT count(*) FROM tests.logged();

-- The system's refill in the middle of somebody's transaction; after an error in it, the role acts again.
SELECT * FROM unkey_create_key(:'api_id', credits => 1, refill_amount => 5, refill_interval => 'daily') \gset
CREATE FUNCTION tests.no_refill() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'no refill'; END$$;
CREATE TRIGGER no_refill BEFORE UPDATE ON unkey.credits FOR EACH ROW WHEN (NEW.last_refill_at IS DISTINCT FROM OLD.last_refill_at) EXECUTE FUNCTION tests.no_refill();
UPDATE unkey.credits SET settled_at = unkey.now() - interval '2 days' WHERE key_id = :'key_id';
SELECT count(*) FROM tests.logged();
SELECT message FROM tests.error(format('SELECT * FROM unkey_verify_key(%L)', :'key'));
SELECT unkey.is_recorded(), unkey.is_reroll(), (unkey.actor()).type;
DROP TRIGGER no_refill ON unkey.credits;
DROP FUNCTION tests.no_refill;
BEGIN;
SELECT unkey_create_permission('audit-actor.t4') LIKE 'perm%' AS made;
SELECT code, credits FROM unkey_verify_key(:'key');
SELECT unkey_create_permission('audit-actor.t5') LIKE 'perm%' AS made;
COMMIT;
SELECT event, actor_type, replace(actor_id, current_user, 'me') AS actor_id FROM fresh WHERE seal IS NULL ORDER BY 1, 2;
SELECT count(*) FROM tests.logged();

-- No setting forges an actor.
SET application_name = 'regress_unkey_admin';
SELECT state FROM tests.error($$SET unkey.actor = 'x'$$);
SELECT replace((unkey.actor()).id, current_user, 'me') AS actor_id;
DROP FUNCTION tests.rename_api;
SET client_min_messages = warning;
DROP OWNED BY regress_unkey_admin, regress_unkey_owner, regress_unkey_writer;
DROP ROLE regress_unkey_admin, regress_unkey_owner, regress_unkey_writer;
