-- The public functions of the extension, and all of the schema $1 if there is one; one JSON object each.
SELECT pg_catalog.json_build_object(
    'schema', namespace.nspname,
    'name', routine.proname,
    'description', pg_catalog.obj_description(routine.oid, 'pg_proc'),
    'volatile', routine.provolatile = 'v',
    'set', routine.proretset,
    'shape', CASE
        WHEN routine.prorettype = 'void'::pg_catalog.regtype THEN 'void'
        WHEN result.typtype = 'c' OR routine.proargmodes && '{o,b,t}' THEN 'row'
        ELSE 'scalar'
    END,
    'returns', pg_catalog.format_type(routine.prorettype, NULL),
    'arguments', (
        SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
            'name', coalesce(input.name, ''),
            'type', pg_catalog.format_type(input.type, NULL),
            'required', input.place <= routine.pronargs - routine.pronargdefaults,
            'variadic', coalesce(input.mode = 'v', false)
        ) ORDER BY input.place), '[]')
        FROM (
            SELECT parameter.*, pg_catalog.row_number() OVER (ORDER BY parameter.position) AS place
            FROM unnest(
                coalesce(routine.proallargtypes, routine.proargtypes::pg_catalog.oid[]), routine.proargnames, routine.proargmodes
            ) WITH ORDINALITY AS parameter(type, name, mode, position)
            WHERE parameter.type IS NOT NULL AND coalesce(parameter.mode, 'i') IN ('i', 'b', 'v')
        ) AS input
    ),
    'columns', (
        SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
            'name', output.name,
            'type', pg_catalog.format_type(output.type, NULL),
            'description', output.description
        ) ORDER BY output.position), '[]')
        FROM (
            SELECT parameter.name, parameter.type, NULL AS description, parameter.position
            FROM unnest(routine.proallargtypes, routine.proargnames, routine.proargmodes)
                WITH ORDINALITY AS parameter(type, name, mode, position)
            WHERE parameter.mode IN ('o', 'b', 't')
            UNION ALL
            SELECT field.attname, field.atttypid, pg_catalog.col_description(field.attrelid, field.attnum), field.attnum
            FROM pg_catalog.pg_attribute AS field
            WHERE field.attrelid = result.typrelid AND field.attnum > 0 AND NOT field.attisdropped
        ) AS output
    )
)::text
FROM pg_catalog.pg_proc AS routine
JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = routine.pronamespace
JOIN pg_catalog.pg_type AS result ON result.oid = routine.prorettype
WHERE routine.prokind = 'f'
    AND routine.prorettype NOT IN ('trigger'::pg_catalog.regtype, 'event_trigger'::pg_catalog.regtype)
    AND (namespace.nspname::text = $1 OR routine.oid IN (
        SELECT member.objid
        FROM pg_catalog.pg_extension AS extension
        JOIN pg_catalog.pg_depend AS member ON member.refobjid = extension.oid
            AND member.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
            AND member.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
            AND member.deptype = 'e'
        WHERE extension.extname = 'unkey' AND routine.pronamespace = extension.extnamespace
            AND routine.proname LIKE 'unkey\_%'
    ))
ORDER BY routine.proname, routine.pronargs, pg_catalog.pg_get_function_identity_arguments(routine.oid), namespace.nspname
