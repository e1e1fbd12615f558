-- What the extension consists of, read from the catalogues: a change here is a change of the contract.
CREATE TEMP VIEW members AS
SELECT classid, objid, pg_describe_object(classid, objid, 0) AS description
FROM pg_depend JOIN pg_extension AS extension ON extension.oid = refobjid AND extname = 'unkey'
WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e';
SELECT relocatable, superuser, trusted, schema, requires FROM pg_available_extension_versions WHERE name = 'unkey' AND installed;

-- Functions: arguments with their names and defaults, result.
\pset format unaligned
\pset tuples_only on
SELECT format(E'%s\n    %s\n    returns %s', proc.oid::regprocedure, nullif(pg_get_function_arguments(proc.oid), ''), pg_get_function_result(proc.oid))
FROM members JOIN pg_proc AS proc ON proc.oid = objid WHERE classid = 'pg_proc'::regclass ORDER BY proc.oid::regprocedure::text COLLATE "C";
\pset format aligned
\pset tuples_only off
-- Functions: language, volatility, parallel safety, strictness, security, search_path.
SELECT nspname || '.' || proname AS function, lanname AS language, provolatile AS volatile, proparallel AS parallel, proisstrict AS strict, prosecdef AS definer, proconfig AS settings,
    count(*) AS signatures
FROM members JOIN pg_proc AS proc ON proc.oid = objid JOIN pg_language AS language ON language.oid = prolang JOIN pg_namespace AS namespace ON namespace.oid = pronamespace
WHERE classid = 'pg_proc'::regclass GROUP BY 1, 2, 3, 4, 5, 6, 7 ORDER BY 1;
-- Nothing is granted to PUBLIC.
SELECT proc.oid::regprocedure AS function FROM members JOIN pg_proc AS proc ON proc.oid = objid AND classid = 'pg_proc'::regclass,
    aclexplode(coalesce(proacl, acldefault('f', proowner))) WHERE grantee = 0;
SELECT class.oid::regclass AS relation FROM members JOIN pg_class AS class ON class.oid = objid AND classid = 'pg_class'::regclass,
    aclexplode(coalesce(relacl, acldefault('r', relowner))) WHERE grantee = 0;

-- Tables, views and composite types with their columns.
SELECT class.oid::regclass AS relation, relkind AS kind, relpersistence AS persistence, attname AS "column", format_type(atttypid, atttypmod) AS type, attnotnull AS not_null,
    pg_get_expr(adbin, adrelid) AS "default"
FROM pg_class AS class JOIN pg_attribute ON attrelid = class.oid AND attnum > 0 AND NOT attisdropped LEFT JOIN pg_attrdef ON adrelid = class.oid AND adnum = attnum
WHERE class.oid IN (SELECT objid FROM members WHERE classid = 'pg_class'::regclass
    UNION ALL SELECT typrelid FROM members JOIN pg_type ON pg_type.oid = objid AND classid = 'pg_type'::regclass) AND relkind IN ('r', 'p', 'v', 'm', 'c')
ORDER BY relkind, class.oid::regclass::text COLLATE "C", attnum;
-- What can be sharded by key stays so: every unique key of a table with key_id contains it, and no foreign key goes from key to key.
SELECT indexrelid::regclass AS without_key_id FROM pg_index JOIN members ON indrelid = objid AND classid = 'pg_class'::regclass
    JOIN pg_attribute AS key_id ON key_id.attrelid = indrelid AND key_id.attname = 'key_id' WHERE indisunique AND NOT key_id.attnum = ANY (indkey);
SELECT conname AS from_key_to_key FROM pg_constraint WHERE contype = 'f' AND conrelid = 'unkey.keys'::regclass AND confrelid = conrelid;
-- No sequence, so that tables can be sharded and ids are made anywhere.
SELECT count(*) AS sequences FROM pg_class WHERE relnamespace = 'unkey'::regnamespace AND relkind = 'S';
-- A dump carries the rows of every table but the counters, whole.
SELECT class.oid::regclass AS not_dumped FROM members JOIN pg_class AS class ON class.oid = objid AND classid = 'pg_class'::regclass, pg_extension
WHERE extname = 'unkey' AND relkind IN ('r', 'p') AND NOT class.oid = ANY (extconfig);
SELECT DISTINCT condition AS dump_conditions FROM pg_extension, unnest(extcondition) AS condition WHERE extname = 'unkey';
-- Every object of schema unkey belongs to the extension, but the partitions, which are made at run time.
SELECT relname AS stray FROM pg_class WHERE relnamespace = 'unkey'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'S') AND NOT relispartition AND oid NOT IN (SELECT objid FROM members)
UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'unkey'::regnamespace AND oid NOT IN (SELECT objid FROM members);

-- Everything has a comment: functions, tables, views, types, the schema, and each column of each of them.
SELECT description AS without_comment FROM members
WHERE classid IN ('pg_proc'::regclass, 'pg_class'::regclass, 'pg_type'::regclass, 'pg_namespace'::regclass) AND obj_description(objid, classid::regclass::name) IS NULL
    AND NOT EXISTS (SELECT FROM pg_type WHERE pg_type.oid = objid AND classid = 'pg_type'::regclass AND (typelem <> 0 OR EXISTS (
        SELECT FROM pg_class WHERE pg_class.oid = typrelid AND relkind <> 'c'))) ORDER BY 1;
SELECT format('%s.%s', class.oid::regclass, attname) AS column_without_comment
FROM pg_class AS class JOIN pg_attribute ON attrelid = class.oid AND attnum > 0 AND NOT attisdropped
WHERE relnamespace = 'unkey'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'c') AND col_description(class.oid, attnum) IS NULL ORDER BY class.oid::regclass::text, attnum;

-- Settings: all under one prefix, which nobody else may use. They are known once the library is loaded. Those of shared memory can be
-- changed only if the library is not preloaded, and do nothing then.
LOAD 'unkey';
SELECT name, boot_val, unit, CASE context WHEN 'postmaster' THEN 'sighup' ELSE context END AS context, vartype, short_desc FROM pg_settings WHERE name LIKE 'unkey.%' ORDER BY name;
SELECT * FROM tests.error($$SET unkey.no_such_setting = 1$$);

-- Installed in another schema of another database it works, and leaves nothing behind.
\set home :DBNAME
CREATE DATABASE regress_unkey_other;
\c regress_unkey_other
CREATE SCHEMA "other schema";
CREATE EXTENSION unkey SCHEMA "other schema";
SHOW search_path;
SELECT pronamespace::regnamespace AS schema, count(*) > 30 AS functions FROM pg_proc WHERE proname LIKE 'unkey\_%' GROUP BY 1;
SELECT "other schema".unkey_create_api('other') AS api_id \gset
SELECT * FROM "other schema".unkey_create_key(:'api_id', external_id => 'u1', permissions => '{p}', credits => 3,
    ratelimits => '[{"name": "rl", "limit": 10, "duration": 60000, "autoApply": true}]') \gset
SELECT code, permissions, credits, identity->>'externalId' AS owner, ratelimits->0->>'remaining' AS remaining FROM "other schema".unkey_verify_key(:'key', 'p');
SELECT credits FROM "other schema".unkey_get_key(:'key_id');
SELECT code FROM "other schema".unkey_reroll_key(:'key_id') AS new, "other schema".unkey_verify_key(new.key);
ALTER EXTENSION unkey SET SCHEMA public;
DROP EXTENSION unkey;
SELECT count(*) AS objects_left FROM pg_class WHERE relnamespace::regnamespace::text IN ('unkey', '"other schema"');
SELECT count(*) AS functions_left FROM pg_proc WHERE probin LIKE '%unkey%' OR proname LIKE 'unkey\_%';
CREATE EXTENSION unkey;
SELECT unkey_create_api('again') LIKE 'api%' AS again;
\c :home
DROP DATABASE regress_unkey_other;
