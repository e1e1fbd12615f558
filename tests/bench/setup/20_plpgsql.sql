-- Verification as people write it by hand: their own tables with the same keys, roles, permissions and customers, integer ids,
-- one function. It has no APIs, addresses, refills, tags, events or audit.

CREATE TABLE hand_customers (id integer PRIMARY KEY, external_id text NOT NULL UNIQUE, meta jsonb);
CREATE TABLE hand_roles (id integer PRIMARY KEY, name text NOT NULL UNIQUE);
CREATE TABLE hand_permissions (id integer PRIMARY KEY, slug text NOT NULL UNIQUE);
CREATE TABLE hand_role_permissions (role_id integer, permission_id integer, PRIMARY KEY (role_id, permission_id));
CREATE TABLE hand_keys (
    id               integer PRIMARY KEY,
    hash             bytea NOT NULL UNIQUE,
    customer_id      integer,
    name             text,
    meta             jsonb,
    enabled          boolean NOT NULL DEFAULT true,
    expires_at       timestamptz,
    credits          bigint,
    limit_per_minute bigint
) WITH (fillfactor = 90);
CREATE TABLE hand_key_roles (key_id integer, role_id integer, PRIMARY KEY (key_id, role_id));
CREATE TABLE hand_key_permissions (key_id integer, permission_id integer, PRIMARY KEY (key_id, permission_id));
CREATE TABLE hand_windows (
    key_id       integer,
    window_start timestamptz,
    calls        bigint NOT NULL,
    PRIMARY KEY (key_id, window_start)
) WITH (fillfactor = 50);

INSERT INTO hand_customers SELECT n, 'customer_' || n, '{"plan": "pro"}' FROM numbered_identities;
INSERT INTO hand_roles SELECT n, name FROM numbered_roles;
INSERT INTO hand_permissions SELECT n, slug FROM numbered_permissions;
INSERT INTO hand_role_permissions SELECT n, (n * 7 + i * 13) % 100 FROM numbered_roles, generate_series(0, 4) AS i;
INSERT INTO hand_keys
SELECT n, hash, n / 10, CASE WHEN n % 2 = 0 THEN 'key ' || n END, '{"team": "blue"}', true, NULL,
    CASE WHEN n % 10 = 8 THEN 1000000000000 END, CASE WHEN n % 10 = 9 THEN 1000000000 END
FROM numbered_keys;
INSERT INTO hand_key_roles SELECT n, n / 7 % 100 FROM numbered_keys;
INSERT INTO hand_key_permissions SELECT n, (n / 3 + i * 50) % 100 FROM numbered_keys, generate_series(0, n % 2) AS i;

CREATE FUNCTION hand_verify(key text)
    RETURNS TABLE (valid boolean, code text, key_id integer, name text, meta jsonb, credits bigint, roles text[], permissions text[], customer jsonb)
    LANGUAGE plpgsql AS $$
DECLARE
    k       hand_keys;
    counted bigint;
BEGIN
    SELECT * INTO k FROM hand_keys WHERE hash = sha256(key::bytea);
    IF NOT FOUND THEN
        RETURN QUERY SELECT false, 'NOT_FOUND', NULL::integer, NULL::text, NULL::jsonb, NULL::bigint, NULL::text[], NULL::text[], NULL::jsonb;
        RETURN;
    END IF;
    valid := false;
    key_id := k.id;
    name := k.name;
    meta := k.meta;
    credits := k.credits;
    SELECT array_agg(role.name ORDER BY role.name) INTO roles
    FROM hand_key_roles AS link JOIN hand_roles AS role ON role.id = link.role_id WHERE link.key_id = k.id;
    SELECT array_agg(permission.slug ORDER BY permission.slug) INTO permissions
    FROM hand_permissions AS permission
    WHERE permission.id IN (
        SELECT link.permission_id FROM hand_key_permissions AS link WHERE link.key_id = k.id
        UNION
        SELECT grants.permission_id FROM hand_key_roles AS link JOIN hand_role_permissions AS grants USING (role_id) WHERE link.key_id = k.id
    );
    SELECT jsonb_build_object('externalId', c.external_id, 'meta', c.meta) INTO customer FROM hand_customers AS c WHERE c.id = k.customer_id;
    IF NOT k.enabled THEN
        code := 'DISABLED';
        RETURN NEXT;
        RETURN;
    END IF;
    IF k.expires_at < now() THEN
        code := 'EXPIRED';
        RETURN NEXT;
        RETURN;
    END IF;
    IF k.limit_per_minute IS NOT NULL THEN
        INSERT INTO hand_windows AS w VALUES (k.id, date_trunc('minute', now()), 1)
        ON CONFLICT ON CONSTRAINT hand_windows_pkey DO UPDATE SET calls = w.calls + 1
        RETURNING calls INTO counted;
        IF counted > k.limit_per_minute THEN
            code := 'RATE_LIMITED';
            RETURN NEXT;
            RETURN;
        END IF;
    END IF;
    IF k.credits IS NOT NULL THEN
        UPDATE hand_keys AS h SET credits = h.credits - 1 WHERE h.id = k.id AND h.credits > 0 RETURNING h.credits INTO credits;
        IF NOT FOUND THEN
            code := 'USAGE_EXCEEDED';
            credits := 0;
            RETURN NEXT;
            RETURN;
        END IF;
    END IF;
    valid := true;
    code := 'VALID';
    RETURN NEXT;
END $$;
