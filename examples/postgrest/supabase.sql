-- The same for a Supabase that you run yourself, whose Postgres has the extension. As supabase_admin; the roles anon, authenticated,
-- service_role and authenticator and the schema extensions are there already.

CREATE EXTENSION unkey SCHEMA extensions;
SELECT extensions.unkey_grant(role, 'verify') FROM unnest('{anon,authenticated,service_role}'::name[]) AS role;

-- Supabase has its own tokens in apikey and Authorization, so keys come in a header of their own.
ALTER ROLE authenticator SET unkey.request_header = 'x-api-key';
ALTER ROLE authenticator SET unkey.request_ip_header = 'x-forwarded-for';
ALTER ROLE authenticator SET unkey.request_ratelimits = '[{"name": "{method} {path}", "limit": 100, "duration": 60000}]';

-- Users who have logged in, and your own servers, need no key.
CREATE FUNCTION extensions.pre_request() RETURNS void LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
    IF current_setting('request.jwt.claims')::jsonb->>'role' = 'anon' THEN
        PERFORM extensions.unkey_pre_request();
    END IF;
END
$$;
GRANT EXECUTE ON FUNCTION extensions.pre_request() TO anon, authenticated, service_role;
GRANT USAGE ON SCHEMA extensions TO anon, authenticated, service_role;

ALTER ROLE authenticator SET pgrst.db_pre_request = 'extensions.pre_request';
NOTIFY pgrst, 'reload config';
