// identities.*
import assert from "node:assert/strict";
import { ConflictErrorResponse, ForbiddenErrorResponse, NotFoundErrorResponse } from "@unkey/api/models/errors";
import { newIdentity, newKey, restricted, unkey, unique, verify } from "../client.mjs";

const { identities } = unkey;
const limit = { name: "all", limit: 100, duration: 60000, autoApply: true };
const get = async (identity) => (await identities.getIdentity({ identity })).data;

export const answers = {
    async createIdentity() {
        const externalId = unique("ts");
        const { data } = await identities.createIdentity({ externalId, meta: { plan: "pro" }, ratelimits: [limit] });
        assert.match(data.identityId, /^id_/);
        const { ratelimits, ...rest } = await get(externalId);
        assert.deepEqual(rest, { id: data.identityId, externalId, meta: { plan: "pro" } });
        assert.deepEqual(ratelimits, [{ id: ratelimits[0].id, ...limit }]);
    },

    async getIdentity() {
        const { externalId, id } = await newIdentity();
        assert.deepEqual(await get(externalId), { id, externalId });
        assert.deepEqual(await get(id), { id, externalId });
    },

    async listIdentities() {
        const { externalId, id } = await newIdentity({ meta: { a: 1 } });
        const { result } = await identities.listIdentities({ search: externalId });
        assert.deepEqual(result.data, [{ id, externalId, meta: { a: 1 } }]);
        assert.deepEqual(result.pagination, { hasMore: false });
    },

    async updateIdentity() {
        const { externalId, id } = await newIdentity({ meta: { a: 1 }, ratelimits: [limit] });
        const changed = { ...limit, limit: 7 };
        const { ratelimits, ...rest } = (await identities.updateIdentity({ identity: externalId, meta: { b: 2 }, ratelimits: [changed] })).data;
        assert.deepEqual(rest, { id, externalId, meta: { b: 2 } });
        assert.deepEqual(ratelimits, [{ id: ratelimits[0].id, ...changed }]);
    },

    async deleteIdentity() {
        const { externalId } = await newIdentity();
        const { key } = await newKey({ externalId });
        assert.deepEqual(Object.keys(await identities.deleteIdentity({ identity: externalId })), ["meta"]);
        assert.deepEqual([(await verify(key)).code, (await verify(key)).identity], ["VALID", undefined]);
        await assert.rejects(get(externalId), NotFoundErrorResponse);
    },
};

const unknown = { identity: "nobody.at.all" };
const notFound = (call) => [404, NotFoundErrorResponse, "unkey/data/identity_not_found", call];

export const refusals = {
    createIdentity: [409, ConflictErrorResponse, "unkey/data/identity_already_exists", async (unkey) => unkey.identities.createIdentity({ externalId: (await newIdentity()).externalId })],
    getIdentity: notFound((unkey) => unkey.identities.getIdentity(unknown)),
    listIdentities: [403, ForbiddenErrorResponse, "unkey/authorization/insufficient_permissions", (unkey) => unkey.identities.listIdentities({}), restricted],
    updateIdentity: notFound((unkey) => unkey.identities.updateIdentity({ ...unknown, meta: {} })),
    deleteIdentity: notFound((unkey) => unkey.identities.deleteIdentity(unknown)),
};
