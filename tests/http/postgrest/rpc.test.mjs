// What Supabase's JavaScript client does with /rpc.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import { PostgrestClient } from "@supabase/postgrest-js";

const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

function token(role) {
    const signed = `${part({ alg: "HS256", typ: "JWT" })}.${part({ role, exp: Date.now() / 1000 + 3600 })}`;
    return `${signed}.${createHmac("sha256", process.env.UNKEY_JWT_SECRET).update(signed).digest("base64url")}`;
}

const client = (role) =>
    new PostgrestClient(process.env.UNKEY_URL, { headers: role ? { Authorization: `Bearer ${token(role)}`, apikey: token(role) } : {} });
const anon = client();
const manager = client("web_manager");

async function ids(query) {
    const { data, error } = await query;
    assert.equal(error, null);
    return data.map((row) => row.id);
}

const rows = (options) => anon.rpc("unkey_test_rows", {}, options);

test("a key is made, verified and deleted", async () => {
    const { data: api_id } = await manager.rpc("unkey_create_api", { name: "javascript" });
    const { data: made, error } = await manager.rpc("unkey_create_key", { api_id, credits: 2, meta: { plan: "pro" }, roles: null });
    assert.equal(error, null);
    const codes = [];
    for (let i = 0; i < 3; i++) codes.push((await anon.rpc("unkey_verify_key", { key: made.key })).data.code);
    assert.deepEqual(codes, ["VALID", "VALID", "USAGE_EXCEEDED"]);
    const details = await manager.rpc("unkey_get_key", { key_id: made.key_id }, { get: true });
    assert.deepEqual([details.status, details.data.meta], [200, { plan: "pro" }]);
    const deleted = await manager.rpc("unkey_delete_key", { key_id: made.key_id });
    assert.deepEqual([deleted.status, deleted.data], [204, null]);
    assert.equal((await anon.rpc("unkey_verify_key", { key: made.key })).data.code, "NOT_FOUND");
});

test("functions are also where Supabase has them", async () => {
    const supabase = new PostgrestClient(`${process.env.UNKEY_URL}/rest/v1`);
    assert.equal((await supabase.rpc("unkey_test_text", { name: "x" })).data, "x");
});

test("filters", async () => {
    assert.deepEqual(await ids(rows().eq("id", 1)), [1]);
    assert.deepEqual(await ids(rows().neq("id", 1).order("id")), [2, 3, 4]);
    assert.deepEqual(await ids(rows().gt("id", 1).lte("id", 3).order("id")), [2, 3]);
    assert.deepEqual(await ids(rows().gte("id", 3).lt("id", 4)), [3]);
    assert.deepEqual(await ids(rows().like("name", "o%")), [1]);
    assert.deepEqual(await ids(rows().ilike("name", "%LINES")), [4]);
    assert.deepEqual(await ids(rows().likeAnyOf("name", ["o%", "f%"]).order("id")), [1, 4]);
    assert.deepEqual(await ids(rows().likeAllOf("name", ["%o%", "%e"])), [1]);
    assert.deepEqual(await ids(rows().ilikeAnyOf("name", ["ONE"])), [1]);
    assert.deepEqual(await ids(rows().is("name", null)), [3]);
    assert.deepEqual(await ids(rows().in("name", ["one", 'two, with "quotes" and a \\ backslash']).order("id")), [1]); // the client does not escape quotes
    assert.deepEqual(await ids(rows().in("id", [1, 4]).order("id")), [1, 4]);
    assert.deepEqual(await ids(rows().contains("tags", ["b"]).order("id")), [1, 2]);
    assert.deepEqual(await ids(rows().contains("meta", { n: 10 })), [2]);
    assert.deepEqual(await ids(rows().containedBy("tags", ["b", "c"]).order("id")), [2, 3]);
    assert.deepEqual(await ids(rows().overlaps("tags", ["a", "z"])), [1]);
    assert.deepEqual(await ids(rows().textSearch("name", "quotes", { type: "websearch", config: "english" })), [2]);
    assert.deepEqual(await ids(rows().match({ id: 1, name: "one" })), [1]);
    assert.deepEqual(await ids(rows().not("id", "in", "(1,2)").order("id")), [3, 4]);
    assert.deepEqual(await ids(rows().or("id.eq.1,and(id.gt.2,name.is.null)").order("id")), [1, 3]);
    assert.deepEqual(await ids(rows().filter("meta->plan->>name", "eq", "pro")), [2]);
    assert.deepEqual(await ids(rows({ get: true }).eq("id", 2)), [2]);
});

test("columns, order and ranges", async () => {
    const { data } = await rows().select("nr:id, plan:meta->plan->>name").order("id", { ascending: false }).limit(3);
    assert.deepEqual(data, [{ nr: 4, plan: null }, { nr: 3, plan: null }, { nr: 2, plan: "pro" }]);
    assert.deepEqual(await ids(rows().order("name", { nullsFirst: true }).order("id")), [3, 4, 1, 2]);
    assert.deepEqual(await ids(rows({ get: true }).order("id").range(1, 2)), [2, 3]);
});

test("counts", async () => {
    for (const count of ["exact", "planned", "estimated"]) {
        const counted = await rows({ count }).limit(1);
        assert.deepEqual([counted.status, counted.count, counted.data.length], [206, 4, 1]);
    }
    const head = await rows({ head: true, count: "exact" });
    assert.deepEqual([head.status, head.count, head.data], [200, 4, null]);
});

test("single, maybeSingle and csv", async () => {
    assert.equal((await rows().eq("id", 1).single()).data.name, "one");
    const several = await rows().single();
    assert.deepEqual([several.status, several.error.code], [406, "PGRST116"]);
    const none = await rows().eq("id", 9).maybeSingle();
    assert.deepEqual([none.error, none.data], [null, null]);
    assert.equal((await rows({ get: true }).eq("id", 9).maybeSingle()).data, null);
    assert.equal((await rows().select("id").order("id").csv()).data, "id\n1\n2\n3\n4");
    assert.equal((await anon.rpc("unkey_test_text", { name: "x" })).data, "x");
    assert.deepEqual((await anon.rpc("unkey_test_numbers", { most: 2 })).data, [1, 2]);
    assert.equal((await anon.rpc("unkey_test_count", { values: [1, 2] })).data, 2);
    const got = await anon.rpc("unkey_verify_keys", { keys: ["a", "b"] }, { get: true });
    assert.deepEqual(got.data.map((row) => row.code), ["NOT_FOUND", "NOT_FOUND"]);
});

test("max-affected undoes the call", async () => {
    const { error } = await anon.rpc("unkey_test_write", { note: "javascript", times: 3 }).maxAffected(2);
    assert.equal(error.code, "PGRST124");
    assert.equal((await anon.rpc("unkey_test_written", { note: "javascript" })).data, 0);
});

test("errors", async () => {
    const refused = await anon.rpc("unkey_list_apis");
    assert.deepEqual([refused.status, refused.error.code], [401, "42501"]);
    const unknown = await anon.rpc("unkey_verify_kee", { key: "x" });
    assert.deepEqual([unknown.status, unknown.error.code], [404, "PGRST202"]);
    assert.match(unknown.error.hint, /unkey_verify_key/);
    const wrong = await manager.rpc("unkey_get_key", { key_id: "key_none" });
    assert.deepEqual([wrong.status, wrong.error.code], [400, "42704"]);
    const written = await anon.rpc("unkey_test_write", { note: "x" }, { get: true });
    assert.deepEqual([written.status, written.error.code], [405, "25006"]);
    await assert.rejects(async () => await anon.rpc("unkey_list_apis").throwOnError(), { code: "42501" });
});
