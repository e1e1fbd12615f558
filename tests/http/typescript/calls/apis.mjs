// apis.*
import assert from "node:assert/strict";
import { ForbiddenErrorResponse, NotFoundErrorResponse, PreconditionFailedErrorResponse } from "@unkey/api/models/errors";
import { getKey, newApi, newKey, post, restricted, unique, unkey } from "../client.mjs";

const { apis } = unkey;

export const answers = {
    async createApi() {
        const { data, ...rest } = await apis.createApi({ name: "payments" });
        assert.match(data.apiId, /^api_/);
        assert.deepEqual(Object.keys(rest), ["meta"]);
    },

    async getApi() {
        const name = unique("ts");
        const { apiId } = (await apis.createApi({ name })).data;
        assert.deepEqual((await apis.getApi({ apiId })).data, { id: apiId, name });
    },

    async listKeys() {
        const { apiId, keyId } = await newKey({ name: "one", externalId: "user_1" });
        const other = await newKey({ apiId, name: "two", externalId: "user_2" });
        const { result } = await apis.listKeys({ apiId });
        assert.deepEqual(result.data, [await getKey(keyId), await getKey(other.keyId)]);
        assert.deepEqual(result.pagination, { hasMore: false });
        const owned = await apis.listKeys({ apiId, externalId: "user_2" });
        assert.deepEqual(owned.result.data, [await getKey(other.keyId)]);
    },

    async deleteApi() {
        const apiId = await newApi();
        assert.deepEqual((await apis.deleteApi({ apiId })).data, {});
        await assert.rejects(apis.getApi({ apiId }), NotFoundErrorResponse);
    },
};

const unknown = { apiId: "api_unknown" };

async function deleteProtected(unkey) {
    const { apiId } = (await post("apis.createApi", { name: unique("ts"), deleteProtection: true })).data;
    return unkey.apis.deleteApi({ apiId });
}

export const refusals = {
    createApi: [403, ForbiddenErrorResponse, "unkey/authorization/insufficient_permissions", (unkey) => unkey.apis.createApi({ name: "payments" }), restricted],
    getApi: [404, NotFoundErrorResponse, "unkey/data/api_not_found", (unkey) => unkey.apis.getApi(unknown)],
    listKeys: [404, NotFoundErrorResponse, "unkey/data/api_not_found", (unkey) => unkey.apis.listKeys(unknown)],
    deleteApi: [412, PreconditionFailedErrorResponse, "unkey/application/protected_resource", deleteProtected],
};
