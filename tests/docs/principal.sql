-- docs/rls.md begins with an empty database, but roles are the whole server's.
DROP ROLE IF EXISTS web, notes_server;
