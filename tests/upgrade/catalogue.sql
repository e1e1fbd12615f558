-- Everything the catalogue says about the extension, one object after the other, without what differs from database to database (oids,
-- statistics): two databases with the same extension print the same.
SET search_path = pg_catalog;

WITH extension AS (
    SELECT * FROM pg_extension WHERE extname = 'unkey'
), members AS (
    SELECT member.classid, member.objid AS oid
    FROM extension JOIN pg_depend AS member ON member.refobjid = extension.oid
    WHERE member.refclassid = 'pg_extension'::regclass AND member.deptype = 'e'
), types AS (
    SELECT type.*, format_type(type.oid, NULL) AS name
    FROM pg_type AS type JOIN members ON members.oid = type.oid AND classid = 'pg_type'::regclass
), relations AS (
    SELECT class.*, class.oid::regclass::text AS name FROM pg_class AS class
    WHERE oid IN (SELECT oid FROM members WHERE classid = 'pg_class'::regclass UNION SELECT typrelid FROM types)
), routines AS (
    SELECT routine.*, routine.oid::regprocedure::text AS name
    FROM pg_proc AS routine JOIN members ON members.oid = routine.oid AND classid = 'pg_proc'::regclass
), found (object, says) AS (
    SELECT 'extension unkey', format('version %s, schema %s, relocatable %s', extversion, extnamespace::regnamespace, extrelocatable)
    FROM extension
    UNION ALL
    SELECT 'extension unkey', format('dumps %s where (%s)', config::regclass, extcondition[nth])
    FROM extension, unnest(extconfig) WITH ORDINALITY AS dumped (config, nth)
    UNION ALL
    SELECT type || ' ' || identity, 'member'
    FROM members, pg_identify_object(classid, oid, 0)
    UNION ALL
    SELECT type || ' ' || identity, 'comment ' || description
    FROM members JOIN pg_description ON objoid = oid AND pg_description.classoid = classid, pg_identify_object(classid, oid, objsubid)
    UNION ALL
    SELECT type || ' ' || identity, format('privileges at first %s', initprivs)
    FROM members JOIN pg_init_privs AS privileges ON objoid = members.oid AND classoid = classid, pg_identify_object(classid, oid, objsubid)

    UNION ALL
    SELECT 'schema ' || nspname, format('privileges %s', nspacl)
    FROM members JOIN pg_namespace AS schema ON schema.oid = members.oid AND classid = 'pg_namespace'::regclass
    UNION ALL
    SELECT 'function ' || name, format('privileges %s, owner %s', proacl, proowner::regrole) FROM routines
    UNION ALL
    SELECT 'function ' || name, format('leakproof %s: %s', proleakproof, pg_get_functiondef(oid)) FROM routines

    UNION ALL
    SELECT 'table ' || name, format('kind %s, persistence %s, options %s, row security %s %s, replica identity %s, access method %s, privileges %s, owner %s',
        relkind, relpersistence, reloptions, relrowsecurity, relforcerowsecurity, relreplident, (SELECT amname FROM pg_am WHERE oid = relam),
        relacl, relowner::regrole)
    FROM relations
    UNION ALL
    SELECT 'table ' || name, 'is ' || pg_get_viewdef(oid) FROM relations WHERE relkind = 'v'
    UNION ALL
    SELECT 'table ' || name, 'is ' || pg_get_partkeydef(oid) FROM relations WHERE relkind = 'p'
    UNION ALL
    SELECT 'table ' || name, format('column %s: %s %s%s%s%s storage %s, compression "%s", privileges %s, comment %s',
        lpad((row_number() OVER (PARTITION BY relations.oid ORDER BY attnum))::text, 2, '0'), attname, format_type(atttypid, atttypmod),
        CASE WHEN attnotnull THEN ' not null' END,
        ' collate ' || NULLIF(attcollation, 0)::regcollation,
        format(' %s %s', CASE attgenerated WHEN '' THEN 'default' ELSE format('generated %s', attgenerated) END, pg_get_expr(adbin, adrelid)),
        attstorage, attcompression, attacl, col_description(attrelid, attnum))
    FROM relations JOIN pg_attribute ON attrelid = relations.oid LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE attnum > 0 AND NOT attisdropped
    UNION ALL
    SELECT 'table ' || name, format('constraint %s: %s, deferred %s %s, valid %s, comment %s', conname, pg_get_constraintdef(con.oid),
        condeferrable, condeferred, convalidated, obj_description(con.oid, 'pg_constraint'))
    FROM relations JOIN pg_constraint AS con ON conrelid = relations.oid
    WHERE contype <> 'n' -- the column says so, and the name depends on how it came about
    UNION ALL
    SELECT 'table ' || name, format('index %s, clustered %s, replica identity %s, valid %s, options %s', pg_get_indexdef(indexrelid),
        indisclustered, indisreplident, indisvalid, (SELECT reloptions FROM pg_class WHERE oid = indexrelid))
    FROM relations JOIN pg_index ON indrelid = relations.oid
    UNION ALL
    SELECT 'table ' || name, format('trigger %s, enabled %s, comment %s', pg_get_triggerdef(trigger.oid), tgenabled,
        obj_description(trigger.oid, 'pg_trigger'))
    FROM relations JOIN pg_trigger AS trigger ON tgrelid = relations.oid WHERE NOT tgisinternal
    UNION ALL
    SELECT 'table ' || name, format('policy %s: %s %s to %s using %s check %s', polname, polcmd, polpermissive, polroles::regrole[],
        pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid))
    FROM relations JOIN pg_policy ON polrelid = relations.oid
    UNION ALL
    SELECT 'table ' || name, 'rule ' || pg_get_ruledef(rule.oid)
    FROM relations JOIN pg_rewrite AS rule ON ev_class = relations.oid WHERE relkind <> 'v'
    UNION ALL
    SELECT 'table ' || name, 'statistics ' || pg_get_statisticsobjdef(statistics.oid)
    FROM relations JOIN pg_statistic_ext AS statistics ON stxrelid = relations.oid

    UNION ALL
    SELECT 'type ' || name, format('kind %s of %s, default %s, not null %s, collation %s, privileges %s, owner %s', typtype,
        format_type(typbasetype, typtypmod), typdefault, typnotnull, NULLIF(typcollation, 0)::regcollation, typacl, typowner::regrole)
    FROM types
    UNION ALL
    SELECT 'type ' || name, format('constraint %s: %s', conname, pg_get_constraintdef(con.oid))
    FROM types JOIN pg_constraint AS con ON contypid = types.oid WHERE contype <> 'n'
    UNION ALL
    SELECT 'type ' || name, format('label %s %s', enumsortorder, enumlabel) FROM types JOIN pg_enum ON enumtypid = types.oid
)
SELECT object || string_agg(E'\n    ' || regexp_replace(says, E'\n', E'\n        ', 'g'), '' ORDER BY says COLLATE "C")
FROM found GROUP BY object ORDER BY object COLLATE "C";
