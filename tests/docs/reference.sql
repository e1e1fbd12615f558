-- Prints docs/reference.md from the catalogue: the comments on the extension's objects are its only source.
\pset tuples_only on
\pset format unaligned

CREATE TEMP VIEW member AS
    SELECT classid, objid FROM pg_depend
    WHERE deptype = 'e' AND refclassid = 'pg_extension'::regclass
        AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'unkey');

\qecho '# Reference'
\qecho ''
\qecho 'Made from the comments in the database by `tests/docs/run --write`; CI checks that it is current.'
\qecho ''
\qecho '## Functions'
\qecho ''
SELECT format(E'### `%s(%s)` → `%s`\n\n%s\n', p.oid::regproc, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid),
    obj_description(p.oid, 'pg_proc'))
FROM member JOIN pg_proc AS p ON classid = 'pg_proc'::regclass AND objid = p.oid
ORDER BY p.pronamespace = 'unkey'::regnamespace, p.proname COLLATE "C", p.pronargs DESC;

\qecho '## Result types'
\qecho ''
SELECT format(E'### `unkey.%s`\n\n%s\n\n| column | type | meaning |\n|---|---|---|\n%s\n', c.relname,
    coalesce(obj_description(t.oid, 'pg_type'), ''),
    (SELECT string_agg(format('| `%s` | `%s` | %s |', attname, format_type(atttypid, atttypmod),
        coalesce(col_description(c.oid, attnum), '')), E'\n' ORDER BY attnum)
     FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped))
FROM member JOIN pg_type AS t ON classid = 'pg_type'::regclass AND objid = t.oid
JOIN pg_class AS c ON c.oid = t.typrelid AND c.relkind = 'c'
ORDER BY c.relname COLLATE "C";

\qecho '## Tables and views'
\qecho ''
SELECT format(E'### `unkey.%s`\n\n%s\n\n| column | type | default | meaning |\n|---|---|---|---|\n%s\n', c.relname,
    obj_description(c.oid, 'pg_class'),
    (SELECT string_agg(format('| `%s` | `%s`%s | %s | %s |', attname, format_type(atttypid, atttypmod),
        CASE WHEN attnotnull THEN ' not null' ELSE '' END,
        coalesce('`' || pg_get_expr(adbin, adrelid) || '`', ''), coalesce(col_description(c.oid, attnum), '')), E'\n' ORDER BY attnum)
     FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
     WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped))
FROM member JOIN pg_class AS c ON classid = 'pg_class'::regclass AND objid = c.oid AND c.relkind IN ('r', 'p', 'v')
ORDER BY c.relname COLLATE "C";

\qecho '## Settings'
\qecho ''
\qecho '| setting | default | who | meaning |'
\qecho '|---|---|---|---|'
SELECT format('| `%s` | %s | %s | %s %s |', name, coalesce('`' || boot_val || coalesce(' ' || unit, '') || '`', 'none'), context, short_desc, extra_desc)
FROM pg_settings WHERE name LIKE 'unkey.%' ORDER BY name COLLATE "C";
