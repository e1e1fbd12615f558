// keys.*
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { ForbiddenErrorResponse, NotFoundErrorResponse } from "@unkey/api/models/errors";
import { assertSoon, getKey, newApi, newKey, newPermission, newRole, restricted, unique, unkey, verify } from "../client.mjs";

const { keys } = unkey;
const slugs = (permissions) => permissions.map(({ slug }) => slug).sort();
const names = (roles) => roles.map(({ name }) => name).sort();

export const answers = {
    async createKey() {
        const refill = { interval: "monthly", amount: 100, refillDay: 3 };
        const fields = {
            name: "first",
            meta: { plan: "pro", nested: { list: [1, "two", null] } },
            permissions: ["docs.read"],
            expires: Date.now() + 3_600_000,
            credits: { remaining: 10, refill },
            enabled: false,
        };
        const limit = { name: "requests", limit: 5, duration: 60000, autoApply: true };
        const { apiId, keyId, key, ...none } = await newKey({ ...fields, prefix: "test", byteLength: 32, externalId: "user_1", ratelimits: [limit] });
        assert.deepEqual(none, {});
        assert.match(keyId, /^key_/);
        assert.match(key, /^test_[1-9A-HJ-NP-Za-km-z]{40,}$/);
        const { createdAt, start, identity, ratelimits, ...rest } = await getKey(keyId);
        assert.deepEqual(rest, { keyId, ...fields });
        assert.ok(Math.abs(createdAt - Date.now()) < 60_000);
        assert.ok(start.startsWith("test_") && key.startsWith(start) && start.length < 20);
        assert.equal(identity.externalId, "user_1");
        assert.deepEqual(ratelimits, [{ id: ratelimits[0].id, ...limit }]);
    },

    async verifyKey() {
        const { apiId, keyId, key } = await newKey({
            name: "verified",
            externalId: "user_1",
            meta: { plan: "pro" },
            permissions: ["docs.read"],
            credits: { remaining: 10 },
            ratelimits: [{ name: "requests", limit: 5, duration: 3_600_000, autoApply: true }],
        });
        const { identity, ratelimits, ...rest } = await verify(key, {
            permissions: "docs.read AND (docs.read OR docs.write)",
            credits: { cost: 4 },
            tags: ["path=/docs"],
            ratelimits: [{ name: "exports", limit: 3, duration: 1000, cost: 2 }],
        });
        assert.deepEqual(rest, { valid: true, code: "VALID", keyId, name: "verified", meta: { plan: "pro" }, credits: 6, enabled: true, permissions: ["docs.read"] });
        assert.equal(identity.externalId, "user_1");
        const seen = ratelimits.map(({ name, limit, duration, remaining, exceeded, autoApply }) => [name, limit, duration, remaining, exceeded, autoApply]);
        assert.deepEqual(seen.sort(), [["exports", 3, 1000, 1, false, false], ["requests", 5, 3_600_000, 4, false, true]]);
        assertSoon(ratelimits.find(({ name }) => name === "requests").reset);
        assert.equal((await verify(key, { permissions: "docs.write" })).code, "INSUFFICIENT_PERMISSIONS");
        assert.equal((await verify(key, { credits: { cost: 7 } })).code, "USAGE_EXCEEDED");
        assert.equal((await verify(key, { ratelimits: [{ name: "requests", cost: 9 }] })).code, "RATE_LIMITED");
        await keys.updateKey({ keyId, enabled: false });
        assert.equal((await verify(key)).code, "DISABLED");
        await keys.updateKey({ keyId, enabled: true, expires: Date.now() - 1000 });
        assert.equal((await verify(key)).code, "EXPIRED");
        await unkey.apis.deleteApi({ apiId });
        assert.deepEqual(await verify(key), { valid: false, code: "NOT_FOUND" });
    },

    async getKey() {
        const { keyId, key } = await newKey({ name: "shown", prefix: "shown" });
        const { data } = await keys.getKey({ keyId });
        assert.deepEqual(data, { keyId, start: key.slice(0, data.start.length), enabled: true, name: "shown", createdAt: data.createdAt });
    },

    async whoami() {
        const { keyId, key } = await newKey({ name: "asked" });
        assert.deepEqual((await keys.whoami({ key })).data, await getKey(keyId));
    },

    async updateKey() {
        const { keyId } = await newKey({ name: "before", meta: { a: 1 }, externalId: "user_1" });
        const change = { name: "after", meta: { b: [2] }, expires: Date.now() + 60_000, credits: { remaining: 3, refill: { interval: "daily", amount: 5 } }, enabled: false, permissions: ["docs.write"] };
        assert.deepEqual((await keys.updateKey({ keyId, externalId: null, ...change })).data, {});
        const { createdAt, updatedAt, start, ...rest } = await getKey(keyId);
        assert.deepEqual(rest, { keyId, ...change });
    },

    async deleteKey() {
        const { keyId, key } = await newKey();
        assert.deepEqual((await keys.deleteKey({ keyId })).data, {});
        assert.equal((await verify(key)).code, "NOT_FOUND");
    },

    async rerollKey() {
        const { keyId, key } = await newKey({ name: "rolled", prefix: "roll", credits: { remaining: 8 } });
        const { data } = await keys.rerollKey({ keyId, expiration: 60_000 });
        assert.match(data.key, /^roll_/);
        assert.notEqual(data.keyId, keyId);
        const { name, credits } = await verify(data.key);
        assert.deepEqual({ name, credits }, { name: "rolled", credits: 7 });
        assertSoon((await verify(key)).expires);
    },

    async updateCredits() {
        const { keyId } = await newKey({ credits: { remaining: 10, refill: { interval: "daily", amount: 5 } } });
        const change = async (operation, value) => (await keys.updateCredits({ keyId, operation, value })).data;
        assert.deepEqual(await change("increment", 5), { remaining: 15, refill: { interval: "daily", amount: 5 } });
        assert.equal((await change("decrement", 12)).remaining, 3);
        assert.equal((await change("set", 7)).remaining, 7);
    },

    async addPermissions() {
        const { keyId } = await newKey({ permissions: ["docs.read"] });
        const permissions = (await keys.addPermissions({ keyId, permissions: ["docs.write"] })).data;
        assert.deepEqual(slugs(permissions), ["docs.read", "docs.write"]);
        for (const { id, name, slug } of permissions) assert.ok(id.startsWith("perm_") && name === slug);
    },

    async removePermissions() {
        const { keyId } = await newKey({ permissions: ["docs.read", "docs.write"] });
        assert.deepEqual(slugs((await keys.removePermissions({ keyId, permissions: ["docs.read"] })).data), ["docs.write"]);
    },

    async setPermissions() {
        const { keyId } = await newKey({ permissions: ["docs.read"] });
        const { slug, id } = await newPermission();
        assert.deepEqual((await keys.setPermissions({ keyId, permissions: [slug] })).data, [{ id, slug, name: "Made by a test" }]);
        assert.deepEqual((await getKey(keyId)).permissions, [slug]);
        assert.deepEqual((await keys.setPermissions({ keyId, permissions: [] })).data, []);
    },

    async addRoles() {
        const { keyId } = await newKey();
        const { name, id } = await newRole({ description: "Reads", permissions: ["docs.read"] });
        const [role] = (await keys.addRoles({ keyId, roles: [name] })).data;
        assert.deepEqual({ ...role, permissions: slugs(role.permissions) }, { id, name, description: "Reads", permissions: ["docs.read"] });
        assert.deepEqual((await getKey(keyId)).roles, [name]);
    },

    async removeRoles() {
        const [kept, gone] = [await newRole(), await newRole()];
        const { keyId } = await newKey({ roles: [kept.name, gone.name] });
        assert.deepEqual((await keys.removeRoles({ keyId, roles: [gone.name] })).data, [kept]);
    },

    async setRoles() {
        const [before, after] = [await newRole(), await newRole()];
        const { keyId } = await newKey({ roles: [before.name] });
        assert.deepEqual(names((await keys.setRoles({ keyId, roles: [after.name] })).data), [after.name]);
        assert.deepEqual((await keys.setRoles({ keyId, roles: [] })).data, []);
    },

    async migrateKeys() {
        const key = unique("old");
        const hash = createHash("sha256").update(key).digest("base64");
        const apiId = await newApi();
        const request = { apiId, migrationId: "migration_ts", keys: [{ hash, name: "imported", credits: { remaining: 2 } }] };
        const { migrated, failed } = (await keys.migrateKeys(request)).data;
        assert.deepEqual(migrated, [{ hash, keyId: migrated[0].keyId }]);
        assert.deepEqual(failed, []);
        const { valid, keyId, name, credits } = await verify(key);
        assert.deepEqual({ valid, keyId, name, credits }, { valid: true, keyId: migrated[0].keyId, name: "imported", credits: 1 });
        assert.deepEqual((await keys.migrateKeys(request)).data, { migrated: [], failed: [hash] });
    },
};

const unknown = { keyId: "key_unknown" };
const noKey = (call) => [404, NotFoundErrorResponse, "unkey/data/key_not_found", call];

export const refusals = {
    createKey: [404, NotFoundErrorResponse, "unkey/data/api_not_found", (unkey) => unkey.keys.createKey({ apiId: "api_unknown" })],
    verifyKey: [403, ForbiddenErrorResponse, "unkey/authorization/insufficient_permissions", (unkey) => unkey.keys.verifyKey({ key: "any" }), restricted],
    getKey: noKey((unkey) => unkey.keys.getKey(unknown)),
    whoami: noKey((unkey) => unkey.keys.whoami({ key: "nobody" })),
    updateKey: noKey((unkey) => unkey.keys.updateKey({ ...unknown, name: "x" })),
    deleteKey: noKey((unkey) => unkey.keys.deleteKey(unknown)),
    rerollKey: noKey((unkey) => unkey.keys.rerollKey({ ...unknown, expiration: 0 })),
    updateCredits: noKey((unkey) => unkey.keys.updateCredits({ ...unknown, operation: "set", value: 1 })),
    addPermissions: noKey((unkey) => unkey.keys.addPermissions({ ...unknown, permissions: ["docs.read"] })),
    removePermissions: noKey((unkey) => unkey.keys.removePermissions({ ...unknown, permissions: ["docs.read"] })),
    setPermissions: noKey((unkey) => unkey.keys.setPermissions({ ...unknown, permissions: ["docs.read"] })),
    addRoles: noKey((unkey) => unkey.keys.addRoles({ ...unknown, roles: ["reader"] })),
    removeRoles: noKey((unkey) => unkey.keys.removeRoles({ ...unknown, roles: ["reader"] })),
    setRoles: noKey((unkey) => unkey.keys.setRoles({ ...unknown, roles: ["reader"] })),
    migrateKeys: [404, NotFoundErrorResponse, "unkey/data/api_not_found", (unkey) => unkey.keys.migrateKeys({ apiId: "api_unknown", migrationId: "m_ts", keys: [{ hash: "x" }] })],
};
