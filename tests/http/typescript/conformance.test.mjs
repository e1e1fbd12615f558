// Section 14 of the cases that is not about one method or one error.
import assert from "node:assert/strict";
import { test } from "node:test";
import { APIError, BadRequestErrorResponse, NotFoundErrorResponse } from "@unkey/api/models/errors";
import { client, getKey, newApi, newKey, replies, rootKey, unkey, url, verify } from "./client.mjs";

test("SD-01 an unknown key is an answer", async () => {
    assert.deepEqual(await verify("nobody_knows_this_one"), { valid: false, code: "NOT_FOUND" });
});

test("SD-02 an unknown key id is a NotFoundErrorResponse", async () => {
    await assert.rejects(getKey("key_unknown"), (error) => {
        assert.ok(error instanceof NotFoundErrorResponse);
        assert.equal(error.contentType, "application/json");
        assert.equal(error.error.title, "Not Found");
        assert.match(error.meta.requestId, /^req_/);
        return true;
    });
});

test("SD-05 an invalid body is a BadRequestErrorResponse that says where", async () => {
    await assert.rejects(unkey.keys.createKey({ apiId: await newApi(), byteLength: 8 }), (error) => {
        assert.ok(error instanceof BadRequestErrorResponse);
        assert.deepEqual(error.error.errors.map(({ location }) => location), ["body.byteLength"]);
        assert.equal(error.error.errors[0].message, error.error.detail);
        return true;
    });
});

test("SD-05 a malformed root key is a BadRequestErrorResponse with no place", async () => {
    await assert.rejects(client(" ").keys.getKey({ keyId: "key_x" }), (error) => {
        assert.ok(error instanceof BadRequestErrorResponse);
        assert.deepEqual(error.error.errors, []);
        return true;
    });
});

test("SD-07 what a key does not have is left out", async () => {
    const { keyId, key } = await newKey();
    for (const data of [await getKey(keyId), (await unkey.keys.whoami({ key })).data]) {
        assert.deepEqual(Object.keys(data).sort(), ["createdAt", "enabled", "keyId", "start"]);
    }
    assert.deepEqual(replies.at(-1).body.data, await getKey(keyId));
});

test("SD-08 unlimited credits are null", async () => {
    const { keyId } = await newKey({ credits: { remaining: 5 } });
    const { data } = await unkey.keys.updateCredits({ keyId, operation: "set", value: null });
    assert.deepEqual(data, { remaining: null });
});

test("SD-10 null clears, absent keeps", async () => {
    const { keyId } = await newKey({ name: "named", meta: { a: 1 } });
    await unkey.keys.updateKey({ keyId, enabled: false });
    assert.equal((await getKey(keyId)).name, "named");
    await unkey.keys.updateKey({ keyId, name: null });
    const { name, meta } = await getKey(keyId);
    assert.deepEqual([name, meta], [undefined, { a: 1 }]);
});

for (const suffix of ["/", "/prefix", "/any/prefix/"]) {
    test(`SD-11 served under ${suffix}`, async () => {
        const { data } = await client(rootKey, { serverURL: url + suffix }).keys.verifyKey({ key: "nobody" });
        assert.equal(data.code, "NOT_FOUND");
    });
}

test("a key that can't be recoverable is a 412, which the client does not know of createKey", async () => {
    await assert.rejects(newKey({ recoverable: true }), (error) => {
        assert.ok(error instanceof APIError);
        assert.equal(error.statusCode, 412);
        assert.equal(JSON.parse(error.body).error.type, "https://unkey.com/docs/errors/unkey/application/precondition_failed");
        return true;
    });
});
