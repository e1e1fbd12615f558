-- Errors of statements that have nothing to do with the extension are whole, preloaded or not: constraint, column, table, position.
CREATE TABLE eo (a integer CONSTRAINT eo_positive CHECK (a > 0), b integer CONSTRAINT eo_unique UNIQUE DEFERRABLE INITIALLY DEFERRED);
INSERT INTO eo VALUES (1, 1);
CREATE FUNCTION pg_temp.fields(statement text, OUT state text, OUT "table" text, OUT "column" text, OUT "constraint" text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, "table" = TABLE_NAME, "column" = COLUMN_NAME, "constraint" = CONSTRAINT_NAME;
END
$$;
SELECT statement, fields.* FROM unnest(ARRAY['ALTER TABLE eo ADD CONSTRAINT eo_large CHECK (a > 1)', 'DO ''BEGIN INSERT INTO eo VALUES (0, 2); END''', 'ALTER TABLE eo ADD c integer NOT NULL',
    'INSERT INTO eo VALUES (1, 1); SET CONSTRAINTS ALL IMMEDIATE', 'ALTER TABLE eo RENAME a TO b', 'DROP DATABASE no_such_database']) AS statement, pg_temp.fields(statement) AS fields;
CREATE TABLE eo_wrong (a integer, b no_such_type);
DROP TABLE eo;
