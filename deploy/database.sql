-- Makes a database ready for the server: the extension, the role it logs in as, and the role that maintains it.
-- HTTP_PASSWORD and KEEPER_PASSWORD in the environment are their passwords.
--   HTTP_PASSWORD=… KEEPER_PASSWORD=… psql --file deploy/database.sql mydatabase
\set ON_ERROR_STOP on
\getenv http_password HTTP_PASSWORD
\getenv keeper_password KEEPER_PASSWORD
BEGIN;
-- A password must not reach the log, even if its statement fails.
SET LOCAL log_statement = none;
SET LOCAL log_min_duration_statement = -1;
SET LOCAL log_min_error_statement = panic;

CREATE EXTENSION unkey;

CREATE ROLE unkey_http LOGIN PASSWORD :'http_password';
SELECT unkey_grant('unkey_http', 'api');

CREATE ROLE unkey_keeper LOGIN PASSWORD :'keeper_password';
GRANT USAGE ON SCHEMA unkey TO unkey_keeper;
GRANT EXECUTE ON FUNCTION unkey.maintain() TO unkey_keeper;
COMMIT;
