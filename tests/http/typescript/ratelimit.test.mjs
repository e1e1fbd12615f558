// The package @unkey/ratelimit, which brings a client of its own.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Overrides, Ratelimit } from "@unkey/ratelimit";
import { assertSoon, newNamespace, rootKey, unique, url } from "./client.mjs";

const limiter = (options) => new Ratelimit({ baseUrl: url, rootKey, namespace: unique("ts"), limit: 2, duration: "1h", timeout: false, ...options });

test("SD-16 limit", async () => {
    const { reset, ...first } = await limiter().limit("user_1");
    assert.deepEqual(first, { success: true, limit: 2, remaining: 1 });
    assertSoon(reset);
});

test("SD-16 limit with a cost and another limit", async () => {
    const ratelimit = limiter();
    const { reset, ...reply } = await ratelimit.limit("user_1", { cost: 3, limit: { limit: 10, duration: "1h" } });
    assert.deepEqual(reply, { success: true, limit: 10, remaining: 7 });
});

test("SD-16 a denial is remembered until its reset, which our server gives in milliseconds", async () => {
    const cache = new Map();
    const ratelimit = limiter({ cache });
    await ratelimit.limit("user_1", { cost: 2 });
    const denied = await ratelimit.limit("user_1");
    assert.deepEqual({ ...denied, reset: 0 }, { success: false, limit: 2, remaining: 0, reset: 0 });
    assertSoon(denied.reset);
    // Remembered: the very same object, so nothing was asked.
    assert.equal(await ratelimit.limit("user_1"), denied);
    assert.deepEqual([...cache.values()], [denied]);
    // Another identifier is not concerned.
    assert.equal((await ratelimit.limit("user_2")).success, true);
    // Past its reset, the server is asked again.
    denied.reset = Date.now() - 1;
    const asked = await ratelimit.limit("user_1");
    assert.notEqual(asked, denied);
    assert.equal(asked.success, false);
});

test("SD-16 an error goes to onError", async () => {
    const seen = [];
    const fallback = { success: true, limit: 0, remaining: 0, reset: 0 };
    const onError = (error, identifier) => (seen.push([error.message, identifier]), fallback);
    assert.equal(await limiter({ rootKey: "unkey_nobody", onError }).limit("user_1"), fallback);
    assert.equal(seen.length, 1);
    assert.equal(seen[0][1], "user_1");
});

test("SD-16 overrides", async () => {
    const overrides = new Overrides({ baseUrl: url, rootKey });
    const namespace = await newNamespace();
    const { overrideId } = (await overrides.setOverride({ namespace, identifier: "vip", limit: 9, duration: 60000 })).data;
    const expected = { overrideId, identifier: "vip", limit: 9, duration: 60000 };
    assert.deepEqual((await overrides.getOverride({ namespace, identifier: "vip" })).data, expected);
    assert.deepEqual((await overrides.listOverrides({ namespace })).data, [expected]);
    const { reset, ...limited } = await limiter({ namespace }).limit("vip");
    assert.deepEqual(limited, { success: true, limit: 9, remaining: 8, overrideId });
    assert.deepEqual((await overrides.deleteOverride({ namespace, identifier: "vip" })).data, {});
    assert.deepEqual((await overrides.listOverrides({ namespace })).data, []);
});
