// What Supabase's JavaScript client makes of a request with a key.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { PostgrestClient } from "@supabase/postgrest-js";

const sql = (statement) => execFileSync("psql", ["-XAtq", "-v", "ON_ERROR_STOP=1", "-c", statement, process.env.DATABASE_URL], { encoding: "utf8" }).trim();
const newKey = (more) => sql(`SELECT key FROM unkey_create_key(unkey_create_api('javascript'), external_id => 'globex'${more})`);
// As supabase-js sends its key: twice.
const client = (key) => new PostgrestClient(process.env.UNKEY_URL, { headers: { apikey: key, Authorization: `Bearer ${key}` } });

test("a key reads what is its owner's, and pays for what it writes", async () => {
    const key = newKey(", credits => 8");
    const { data, error } = await client(key).rpc("unkey_test_notes", {}, { get: true });
    assert.deepEqual([error, data], [null, ["of globex"]]);
    assert.equal((await client(key).rpc("unkey_test_write", { note: "javascript" })).status, 204);
    const refused = await client(key).rpc("unkey_test_write", { note: "too much" });
    assert.deepEqual([refused.status, refused.error.code], [429, "USAGE_EXCEEDED"]);
    assert.match(refused.error.hint, /credits/);
});

test("a refusal is an error with a code", async () => {
    const { status, error } = await client("nobody_knows_this_key").rpc("unkey_test_notes");
    assert.deepEqual([status, error.code], [401, "NOT_FOUND"]);
});

test("a limit is an error with a hint", async () => {
    const key = newKey("");
    for (let i = 0; i < 3; i++) assert.equal((await client(key).rpc("unkey_test_notes", {}, { get: true })).status, 200);
    const { status, error } = await client(key).rpc("unkey_test_notes", {}, { get: true });
    assert.deepEqual([status, error.code, error.details], [429, "RATE_LIMITED", "GET /rpc/unkey_test_notes"]);
    assert.match(error.hint, /^Try again in \d+ s\.$/);
});
