-- Identities: the owners of keys.

CREATE TABLE unkey.identities (
    id          text PRIMARY KEY DEFAULT unkey.new_id('id') CHECK (unkey.is_id(id)),
    external_id text NOT NULL CHECK (external_id ~ '^[a-zA-Z0-9_.-]+$' AND length(external_id) <= 255),
    meta        jsonb CHECK (unkey.is_meta(meta) AND octet_length(meta::text) <= 1048576),
    ratelimits  jsonb NOT NULL DEFAULT '[]' CHECK (unkey.is_ratelimits(ratelimits)),
    created_at  unkey.instant NOT NULL DEFAULT unkey.now(),
    updated_at  unkey.instant,
    deleted_at  unkey.instant
);
CREATE UNIQUE INDEX identities_external_id_key ON unkey.identities (external_id) WHERE deleted_at IS NULL;
COMMENT ON TABLE unkey.identities IS 'Owners of keys: users, teams, customers. A deleted identity is as good as none.';
COMMENT ON COLUMN unkey.identities.id IS 'id_…';
COMMENT ON COLUMN unkey.identities.meta IS 'Any object of at most 100 properties and 1 MiB; NULL for none.';
COMMENT ON COLUMN unkey.identities.created_at IS 'When it was made.';
COMMENT ON COLUMN unkey.identities.updated_at IS 'When a function last changed it; NULL for never.';
COMMENT ON COLUMN unkey.identities.deleted_at IS 'Soft delete: its keys go on without it, and the external id is free again.';
COMMENT ON COLUMN unkey.identities.external_id IS 'Your own id of the owner; unique among identities that are not deleted.';
COMMENT ON COLUMN unkey.identities.ratelimits IS 'Limits shared by all keys of the identity: [{"id", "name", "limit", "duration" (ms), "autoApply"}].';

SELECT pg_catalog.pg_extension_config_dump('unkey.identities', '');
