-- Notes of many customers in one table. Whose rows a request may see and change follows from the API key it brings.

CREATE TABLE notes (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer text NOT NULL DEFAULT unkey_external_id(),
    title    text NOT NULL CHECK (length(title) BETWEEN 1 AND 200),
    body     text NOT NULL DEFAULT '',
    UNIQUE (id, customer)
);
CREATE INDEX ON notes (customer);

-- Who else may read a note. Its owner stands here too, so that neither table's policy has to ask the other's.
CREATE TABLE shares (
    note_id bigint NOT NULL,
    owner   text NOT NULL DEFAULT unkey_external_id(),
    reader  text NOT NULL,
    PRIMARY KEY (note_id, reader),
    FOREIGN KEY (note_id, owner) REFERENCES notes (id, customer) ON DELETE CASCADE
);

-- Which key did what.
CREATE TABLE audit (
    at       timestamptz NOT NULL DEFAULT now(),
    customer text,
    key_id   text,
    action   text NOT NULL,
    note_id  bigint NOT NULL,
    note     text NOT NULL
);
CREATE INDEX ON audit (customer, at);

-- Policies. What is in (SELECT …) is asked once for each query and not for each row.

ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_read ON notes FOR SELECT
    USING (customer = (SELECT unkey_external_id()) AND (SELECT unkey_can('notes.read')));
CREATE POLICY own_write ON notes
    USING (customer = (SELECT unkey_external_id()) AND (SELECT unkey_can('notes.write')));
CREATE POLICY shared_read ON notes FOR SELECT
    USING ((SELECT unkey_can('notes.read')) AND id IN (SELECT note_id FROM shares WHERE reader = (SELECT unkey_external_id())));
CREATE POLICY admin ON notes
    USING ((SELECT unkey_can('notes.admin')));

ALTER TABLE shares ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_write ON shares
    USING (owner = (SELECT unkey_external_id()) AND (SELECT unkey_can('notes.write')));
CREATE POLICY shared_read ON shares FOR SELECT
    USING (reader = (SELECT unkey_external_id()) AND (SELECT unkey_can('notes.read')));

ALTER TABLE audit ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_read ON audit FOR SELECT
    USING (customer = (SELECT unkey_external_id()) AND (SELECT unkey_can('notes.read')));
CREATE POLICY admin ON audit FOR SELECT
    USING ((SELECT unkey_can('notes.admin')));

-- Runs as the owner of the table, since nobody else may write there; the key is the caller's all the same.
CREATE FUNCTION write_audit() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    note notes := coalesce(NEW, OLD);
BEGIN
    INSERT INTO audit (customer, key_id, action, note_id, note)
    VALUES (note.customer, unkey_key_id(), lower(TG_OP), note.id, note.title);
    RETURN NULL;
END
$$;
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON notes FOR EACH ROW EXECUTE FUNCTION write_audit();

-- The app logs in as notes_web. It may name a title and a body and nothing else, so whose note it is can't be made up.
GRANT SELECT, INSERT (title, body), UPDATE (title, body), DELETE ON notes TO notes_web;
GRANT SELECT, INSERT (note_id, reader), DELETE ON shares TO notes_web;
GRANT SELECT ON audit TO notes_web;
