# shellcheck shell=bash
# A database with something of everything, and what it must answer alike after a restore, a promotion or an upgrade. Sourced by the
# tests of those, which say where a directory of their own is ($work), and what psql connects to.
: "${work:?}"

# query DATABASE SQL...
query() {
    local database=$1 command=()
    shift
    for sql in "$@"; do command+=(--command "$sql"); done
    psql -XAtq --set ON_ERROR_STOP=1 "${command[@]}" "$database"
}

# script DATABASE: runs what is on its input
script() { psql -XAtq --set ON_ERROR_STOP=1 "$1"; }

# ---- the data ---------------------------------------------------------------------------------------------------

# keep DATABASE NAME ARGUMENTS: a key whose text goes into the keyring, named for the case it stands for
keep() {
    local text
    text=$(query "$1" "SELECT key FROM unkey_create_key('$api', name => '$2'${3:+, $3})")
    echo "$2 $text" >>"$work/keyring"
}

text_of() { sed -n "s/^$1 //p" "$work/keyring"; }

# fill DATABASE [VERSION]: makes the extension in an empty database, of this version, and everything in it. Sets $api and $root.
fill() {
    query "$1" "CREATE EXTENSION unkey${2:+ VERSION \"$2\"}"
    psql -Xq --set ON_ERROR_STOP=1 --dbname "$1" --file "$(dirname "${BASH_SOURCE[0]}")/master_key.sql"
    : >"$work/keyring"
    fill_apis "$1"
    fill_keys "$1"
    [ -n "${2:-}" ] || fill_newer "$1"
    fill_others "$1"
    fill_requests "$1"
    fill_events "$1"
    grant_roles "$1"
}

fill_apis() {
    api=$(query "$1" "SELECT unkey_create_api('dumped', default_prefix => 'dump', ip_allowlist => '{10.0.0.0/8}',
        store_encrypted_keys => true)")
    query "$1" "UPDATE unkey.apis SET ip_allowlist = NULL" # the verdicts below come from no network
    query "$1" "SELECT unkey_create_api('guarded', ip_allowlist => '{10.0.0.0/8,2001:db8::/32}',
        delete_protection => true)" >/dev/null
    query "$1" "SELECT unkey_create_role('editor', 'may write', ARRAY['doc.write', 'doc.delete'])" >/dev/null
}

fill_keys() {
    keep "$1" plain ""
    keep "$1" prefixed "prefix => 'live', byte_length => 32"
    keep "$1" permitted "permissions => ARRAY['doc.read'], roles => ARRAY['editor']"
    keep "$1" owned "external_id => 'user_1', meta => '{\"plan\": \"pro\", \"quote\": \"it''s\"}'"
    keep "$1" limited "ratelimits => '[{\"name\": \"requests\", \"limit\": 10, \"duration\": 60000, \"autoApply\": true}]'"
    keep "$1" metered "credits => 7"
    keep "$1" refilled "credits => 7, refill_amount => 100, refill_interval => 'monthly', refill_day => 31"
    keep "$1" spent "credits => 0"
    keep "$1" expiring "expires => now() + interval '1 year'"
    keep "$1" expired "expires => now() + interval '1 hour'"
    keep "$1" disabled "enabled => false"
    keep "$1" deleted ""
    keep "$1" recoverable "recoverable => true"
    query "$1" "UPDATE unkey.keys SET expires = now() - interval '1 day' WHERE name = 'expired'" \
        "SELECT FROM unkey_delete_key((SELECT id FROM unkey.keys WHERE name = 'deleted'))" \
        "UPDATE unkey.identities SET meta = '{\"seats\": 3}', ratelimits = '[{\"id\": \"rl_1\",
            \"name\": \"all-keys\", \"limit\": 1000, \"duration\": 3600000, \"autoApply\": true}]'"
    query "$1" "SELECT FROM unkey_migrate_keys('$api', jsonb_build_array(jsonb_build_object(
        'hash', encode(sha256('imported_key_of_another_system'), 'hex'), 'name', 'imported')), 'old-system')"
    echo "imported imported_key_of_another_system" >>"$work/keyring"
    echo "unknown dump_nobody_has_this_key" >>"$work/keyring"
}

# What released versions have no column for.
fill_newer() {
    local api
    api=$(query "$1" "SELECT unkey_create_api('checked', key_format => 'checksum')")
    keep "$1" checked "prefix => 'ck'"
}

fill_others() {
    root=$(query "$1" "SELECT key FROM unkey_create_root_key('dumped', ARRAY['*'])")
    query "$1" "SELECT unkey_create_identity('user_2', '{\"plan\": \"free\"}'), unkey_delete_identity('user_2')" >/dev/null
    query "$1" "SELECT unkey_set_override(unkey_create_namespace('exports'), 'vip_*', 5, '1 hour'),
        unkey_delete_namespace(unkey_create_namespace('gone'))" >/dev/null
    query "$1" "SELECT FROM unkey_update_workspace('{\"ratelimit\": {\"limit\": 1000000, \"duration\": 60000}}')"
}

# A request that is finished and one that is not; 0.1.0 had none.
fill_requests() {
    script "$1" <<SQL
SELECT to_regclass('unkey.requests') IS NOT NULL AS known \gset
\if :known
BEGIN;
SELECT FROM unkey_authenticate('$(text_of owned)');
SELECT FROM unkey_begin_request('dumped', '{"item": "tea"}');
SELECT FROM unkey_finish_request('dumped', '{"order": 17}');
SELECT FROM unkey_begin_request('under way');
COMMIT;
\endif
SQL
}

# Events of today and of an older day in partitions and roll-ups, and some still queued.
fill_events() {
    local owned limit_event
    owned="SELECT FROM unkey_verify_key('$(text_of owned)', tags"
    limit_event="INSERT INTO unkey.ratelimit_queue SELECT 'req_limit', now(), 'rlns_1', 'user_1', true, 0.1, NULL, 10, 9, now(), 1"
    query "$1" "$owned => '{a,b}')" \
        "INSERT INTO unkey.verification_queue (request_id, time, key_space_id, api_id, key_id, outcome)
            SELECT 'req_old', now() - interval '3 days', 'ks_old', '$api', id, 'VALID' FROM unkey.keys" \
        "$limit_event"
    maintain "$1"
    query "$1" "$owned => '{c}')" "$limit_event"
    fill_bursts "$1"
}

# Events that share a row; 0.1.0 had none.
fill_bursts() {
    script "$1" <<SQL
SELECT to_regclass('unkey.verification_bursts') IS NOT NULL AS known \gset
\if :known
INSERT INTO unkey.verification_bursts (time, key_space_id, api_id, outcome, tags, spent_credits, source, role, is_one_call, request_id, key_ids, latencies)
SELECT now(), 'ks_1', '$api', 'VALID', '{d}', 1, 'sql', current_user, false, 'req_burst', array_agg(id), array_agg(0.1) FROM unkey.keys;
\endif
SQL
}

# maintain DATABASE: a worker may be at it, then once more
maintain() { until [ "$(query "$1" "SELECT unkey.maintain() IS NOT NULL")" = t ]; do sleep 0.05; done; }

# Roles are of the server and not of the database.
grant_roles() {
    query "$1" "DO 'BEGIN CREATE ROLE unkey_verifier; CREATE ROLE unkey_reader; EXCEPTION WHEN duplicate_object THEN NULL; END'" \
        "SELECT FROM unkey_grant('unkey_verifier', 'verify')" "SELECT FROM unkey_grant('unkey_reader', 'read')"
}

# ---- what must stay the same ------------------------------------------------------------------------------------

# contents DATABASE: one line for every row of every table and every sequence the extension asks pg_dump to keep
contents() {
    query "$1" "SELECT format(CASE WHEN relkind = 'S' THEN 'SELECT %1\$L, last_value, is_called FROM %1\$s;'
            -- What a restore itself adds is not sealed.
            WHEN relname = 'audit_log' THEN 'SELECT %1\$L, t FROM %1\$s AS t WHERE seal IS NOT NULL ORDER BY t::text COLLATE \"C\";'
            ELSE 'SELECT %1\$L, t FROM %1\$s AS t ORDER BY t::text COLLATE \"C\";' END, format('%I.%I', nspname, relname))
        FROM pg_extension, unnest(extconfig) AS config
        JOIN pg_class c ON c.oid = config JOIN pg_namespace n ON n.oid = relnamespace
        WHERE extname = 'unkey' ORDER BY relname" | script "$1"
    granted "$1"
}

# granted DATABASE: who may do what with the extension
granted() {
    query "$1" "SELECT 'granted', object, grantee::regrole, string_agg(privilege_type, ' ' ORDER BY privilege_type) FROM (
        SELECT oid::regprocedure::text AS object, (aclexplode(proacl)).* FROM pg_proc WHERE proname LIKE 'unkey%' OR pronamespace = 'unkey'::regnamespace
        UNION ALL SELECT oid::regclass::text, (aclexplode(relacl)).* FROM pg_class WHERE relnamespace = 'unkey'::regnamespace AND NOT relispartition
        UNION ALL SELECT attrelid::regclass || '.' || attname, (aclexplode(attacl)).* FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
            WHERE relnamespace = 'unkey'::regnamespace
        UNION ALL SELECT nspname, (aclexplode(nspacl)).* FROM pg_namespace WHERE nspname = 'unkey') AS privilege
        WHERE grantee::regrole::text ~ '^unkey_' GROUP BY object, grantee ORDER BY object COLLATE \"C\", grantee::regrole::text"
}

# verdicts DATABASE: those of all keys, what is recoverable, and the root key
verdicts() {
    key_verdicts "$1"
    query "$1" "SELECT name, unkey_decrypt_key(id) FROM unkey.keys WHERE name = 'recoverable'" \
        "SELECT name, permissions FROM unkey.authenticate('Bearer $root')"
}

# key_verdicts DATABASE: the verdict of every key in the ring, without and with a permission asked for; changes nothing
key_verdicts() {
    while read -r name key; do
        echo "SELECT '$name', valid, code, credits, permissions, roles, identity ->> 'externalId', meta
            FROM unkey_verify_key('$key', cost => 0);
            SELECT '$name', 'doc.write', code FROM unkey_verify_key('$key', permissions => 'doc.write', cost => 0);"
    done <"$work/keyring" | script "$1"
}

# goes_on_working DATABASE: changes it
goes_on_working() {
    script "$1" <<SQL
SELECT 'key made afterwards', code FROM unkey_verify_key((SELECT key FROM unkey_create_key('$api', external_id => 'user_1',
    permissions => ARRAY['doc.read'], credits => 5)), permissions => 'doc.read');
SELECT 'an override', success, "limit", override_id FROM unkey_limit('exports', 'vip_1', 1, '1 minute', 2);
SELECT 'a credit spent', credits FROM unkey_verify_key('$(text_of metered)');
SELECT 'over v2', status FROM unkey_api('apis.getApi', 'Bearer $root', '{"apiId": "$api"}');
SELECT 'keys', count(*) FROM unkey.keys;
SET ROLE unkey_verifier;
SELECT 'as a role', code FROM unkey_verify_key('$(text_of plain)');
SQL
    maintain "$1"
    script "$1" <<SQL
SELECT 'roll-ups agree', (SELECT count(*) FROM unkey.key_verifications_v1)
    = (SELECT sum(count) FROM unkey.key_verifications_per_hour_v1);
SELECT 'partition', name, (SELECT count(*) FROM pg_index WHERE indrelid = ('unkey.' || name)::regclass),
    pg_get_expr(relpartbound, oid) FROM unkey.event_partitions JOIN pg_class ON relname = name ORDER BY name;
SQL
}

# failures_of FILE: lines of goes_on_working that tell of one
failures_of() { grep -E '\|f($|\|)|^over v2\|[^2]|^as a role\|[^V]' "$1"; }

# ---- a session that stays open ----------------------------------------------------------------------------------

# open_session DATABASE: one at a time
open_session() {
    coproc SESSION { exec psql -XAtq --set ON_ERROR_STOP=1 "$1" 2>&1; }
}

# ask SQL: the last line of the answer
ask() {
    local line last=
    printf '%s;\n\\echo end of answer\n' "$1" >&"${SESSION[1]}"
    while read -r -t 60 line <&"${SESSION[0]}" && [ "$line" != "end of answer" ]; do last=$line; done
    echo "$last"
}

close_session() {
    local pid=$SESSION_PID
    printf '\\q\n' >&"${SESSION[1]}"
    wait "$pid" || true
}
