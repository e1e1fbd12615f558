-- What every test of this folder shares: the extension, and a schema of small helpers.
-- Each result row begins with the id of the case it shows, where there is one.
CREATE EXTENSION unkey;
CREATE SCHEMA tests;
SET search_path = public, tests;
ALTER DATABASE regress SET search_path = public, tests;
ALTER DATABASE regress SET timezone = 'UTC';

-- Runs a statement that must fail and shows how: SQLSTATE, message, hint (the common one, which names the reference, as that). A statement that succeeds shows as such.
CREATE FUNCTION tests.error(statement text, OUT state text, OUT message text, OUT hint text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    state := '00000';
    message := 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
    hint := replace(hint, '\df+ in psql and docs/reference.md say what each argument may be.', 'reference');
END
$$;

-- Fixes the clock of this session; NULL lets it run again.
CREATE FUNCTION tests.at(instant timestamptz) RETURNS void LANGUAGE sql
RETURN set_config('unkey.clock', coalesce(extract(epoch FROM instant) * 1000, 0)::text, false)::void;

-- Numbers of a limits reply that do not change from run to run: name, limit, remaining, exceeded.
CREATE FUNCTION tests.limits(ratelimits jsonb) RETURNS text LANGUAGE sql
RETURN (SELECT string_agg(format('%s %s/%s%s', l->>'name', l->>'remaining', l->>'limit',
    CASE WHEN (l->>'exceeded')::boolean THEN ' exceeded' ELSE '' END), ', ' ORDER BY l->>'name')
    FROM jsonb_array_elements(ratelimits) AS l);
