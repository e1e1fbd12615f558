-- What the READMEs of the examples say to make first. Roles are the whole server's.
DO $$ BEGIN CREATE ROLE notes_web LOGIN; EXCEPTION WHEN duplicate_object THEN END $$;
SELECT unkey_grant('notes_web', 'verify') \g /dev/null
\ir ../../../examples/notes/notes.sql
