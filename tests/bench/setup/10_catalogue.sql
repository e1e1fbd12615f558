-- What the other files of this folder share, which fill their tables side by side.

-- One API, 100 permissions, 100 roles with five of them each, and an identity for every ten keys: a customer has several.

SELECT unkey_create_api('bench') AS api \gset

INSERT INTO unkey.permissions (slug, name)
SELECT resource || '.' || action, action || ' ' || resource
FROM unnest(ARRAY['accounts', 'addresses', 'audits', 'carts', 'coupons', 'customers', 'documents', 'exports', 'files', 'invoices',
        'messages', 'orders', 'payments', 'products', 'projects', 'refunds', 'reports', 'teams', 'users', 'webhooks']) AS resource,
    unnest(ARRAY['create', 'delete', 'list', 'read', 'update']) AS action;

INSERT INTO unkey.roles (name) SELECT 'team-' || n || '.member' FROM generate_series(0, 99) AS n;

-- The numbers by which the other files choose.
CREATE TABLE numbered_permissions AS
SELECT row_number() OVER (ORDER BY slug)::integer - 1 AS n, id, slug FROM unkey.permissions;
CREATE TABLE numbered_roles AS
SELECT row_number() OVER (ORDER BY length(name), name)::integer - 1 AS n, id, name FROM unkey.roles;

INSERT INTO unkey.role_permissions (role_id, permission_id)
SELECT role.id, permission.id
FROM numbered_roles AS role, generate_series(0, 4) AS i
JOIN LATERAL (SELECT id FROM numbered_permissions AS permission WHERE permission.n = (role.n * 7 + i * 13) % 100) AS permission ON true;

CREATE TABLE numbered_identities AS SELECT n, unkey.new_id('id') AS id FROM generate_series(0, :keys / 10 - 1) AS n;
INSERT INTO unkey.identities (id, external_id, meta) SELECT id, 'customer_' || n, '{"plan": "pro"}' FROM numbered_identities;

-- The keys are numbered from 0: those that end in 8 are metered (credits), those in 9 limited (one automatic rate limit that is
-- never reached), the others plain. The text of key n is 10^18 + n, so that a script can send any of them. The texts of real keys
-- are random; hashes, and the ids that are derived from them, are spread the same.
CREATE TABLE numbered_keys AS
SELECT n, 'key_' || left(translate(encode(sha256(hash), 'base64'), '+/=', ''), 22) AS id, hash
FROM generate_series(0, :keys - 1) AS n, LATERAL (SELECT sha256((1000000000000000000 + n)::text::bytea) AS hash OFFSET 0) AS of_text;
ANALYZE numbered_permissions, numbered_roles, numbered_identities, numbered_keys;

-- A root key whose text is known, for the v2 dialect.
SELECT key_id AS root FROM unkey_create_root_key('bench', '{*}') \gset
UPDATE unkey.root_keys SET hash = sha256('unkey_bench') WHERE id = :'root';
