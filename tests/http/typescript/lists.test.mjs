// Lists over three pages, through the client's iterator.
import assert from "node:assert/strict";
import { test } from "node:test";
import { newApi, newKey, newNamespace, unique, unkey } from "./client.mjs";

/** What the iterator yields, page by page. */
async function pages(first) {
    const all = [];
    for await (const page of await first) all.push(page.result);
    return all;
}

/** Asserts that five rows come as pages of two, two and one, each row once and in the order that one long page has. */
async function assertThreePages(list, id, made) {
    const all = await pages(list(2));
    assert.deepEqual(all.map(({ data, pagination }) => [data.length, pagination.hasMore]), [[2, true], [2, true], [1, false]]);
    assert.equal("cursor" in all[2].pagination, false);
    const [whole] = await pages(list(100));
    assert.deepEqual(all.flatMap(({ data }) => data), whole.data);
    assert.deepEqual(whole.data.map((row) => row[id]).sort(), made.sort());
}

/** What `make` gives, five times. */
async function five(make) {
    const made = [];
    for (let i = 0; i < 5; i++) made.push(await make());
    return made;
}

test("listKeys", async () => {
    const apiId = await newApi();
    const made = await five(() => newKey({ apiId }));
    await assertThreePages((limit) => unkey.apis.listKeys({ apiId, limit }), "keyId", made.map(({ keyId }) => keyId));
});

test("listIdentities", async () => {
    const search = unique("list");
    const made = await five(async () => (await unkey.identities.createIdentity({ externalId: unique(search) })).data.identityId);
    await assertThreePages((limit) => unkey.identities.listIdentities({ search, limit }), "id", made);
});

test("listPermissions", async () => {
    const search = unique("list");
    const made = await five(async () => (await unkey.permissions.createPermission({ name: "Listed", slug: unique(search) })).data.permissionId);
    await assertThreePages((limit) => unkey.permissions.listPermissions({ search, limit }), "id", made);
});

test("listRoles", async () => {
    const search = unique("list");
    const made = await five(async () => (await unkey.permissions.createRole({ name: unique(search) })).data.roleId);
    await assertThreePages((limit) => unkey.permissions.listRoles({ search, limit }), "id", made);
});

test("listOverrides", async () => {
    const namespace = await newNamespace();
    const made = await five(async () => (await unkey.ratelimit.setOverride({ namespace, identifier: unique("user"), limit: 1, duration: 60000 })).data.overrideId);
    await assertThreePages((limit) => unkey.ratelimit.listOverrides({ namespace, limit }), "overrideId", made);
});

test("an empty list is one page without rows", async () => {
    assert.deepEqual((await pages(unkey.apis.listKeys({ apiId: await newApi() }))).map(({ data }) => data), [[]]);
});
