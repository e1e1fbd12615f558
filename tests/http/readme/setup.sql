-- Whom the server acts as for callers of /rpc without a token.
DO $$ BEGIN CREATE ROLE readme_user; EXCEPTION WHEN duplicate_object THEN END $$;
GRANT readme_user TO http_server;
SELECT FROM unkey_grant('readme_user', 'verify');
