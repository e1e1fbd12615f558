// ratelimit.*
import assert from "node:assert/strict";
import { GoneErrorResponse, NotFoundErrorResponse } from "@unkey/api/models/errors";
import { assertSoon, newNamespace, sql, unique, unkey } from "../client.mjs";

const { ratelimit } = unkey;
const hour = 3_600_000;

async function overridden() {
    const namespace = await newNamespace();
    const { overrideId } = (await ratelimit.setOverride({ namespace, identifier: "vip", limit: 50, duration: hour })).data;
    return { namespace, overrideId };
}

export const answers = {
    async limit() {
        const request = { namespace: unique("ts"), identifier: "user_1", limit: 3, duration: hour };
        const ask = async (cost) => (await ratelimit.limit({ ...request, cost })).data;
        const { reset, ...first } = await ask(2);
        assert.deepEqual(first, { success: true, limit: 3, remaining: 1 });
        assertSoon(reset);
        const { reset: later, ...second } = await ask(2);
        assert.deepEqual(second, { success: false, limit: 3, remaining: 0 });
        assertSoon(later);
    },

    async multiLimit() {
        const namespace = unique("ts");
        const check = (identifier, limit) => ({ namespace, identifier, limit, duration: hour });
        const ask = async (...checks) => (await ratelimit.multiLimit(checks)).data;
        const shown = ({ passed, limits }) => [passed, limits.map(({ reset, ...rest }) => rest)];
        assert.deepEqual(shown(await ask(check("a", 1), check("b", 5))), [
            true,
            [
                { namespace, identifier: "a", passed: true, limit: 1, remaining: 0 },
                { namespace, identifier: "b", passed: true, limit: 5, remaining: 4 },
            ],
        ]);
        const [passed, [a]] = shown(await ask(check("a", 1), check("b", 5)));
        assert.deepEqual([passed, a.passed], [false, false]);
    },

    async setOverride() {
        const { namespace, overrideId } = await overridden();
        assert.match(overrideId, /^rlor_/);
        const { data } = await ratelimit.limit({ namespace, identifier: "vip", limit: 1, duration: hour });
        assert.deepEqual({ ...data, reset: 0 }, { success: true, limit: 50, remaining: 49, reset: 0, overrideId });
    },

    async getOverride() {
        const { namespace, overrideId } = await overridden();
        assert.deepEqual((await ratelimit.getOverride({ namespace, identifier: "vip" })).data, { overrideId, identifier: "vip", limit: 50, duration: hour });
    },

    async listOverrides() {
        const { namespace, overrideId } = await overridden();
        const { result } = await ratelimit.listOverrides({ namespace });
        assert.deepEqual(result.data, [{ overrideId, identifier: "vip", limit: 50, duration: hour }]);
        assert.deepEqual(result.pagination, { hasMore: false });
    },

    async deleteOverride() {
        const { namespace } = await overridden();
        assert.deepEqual((await ratelimit.deleteOverride({ namespace, identifier: "vip" })).data, {});
        assert.equal((await ratelimit.limit({ namespace, identifier: "vip", limit: 9, duration: hour })).data.limit, 9);
    },
};

async function deletedNamespace() {
    const namespace = await newNamespace();
    sql(`SELECT unkey_delete_namespace('${namespace}')`);
    return namespace;
}

const unknown = { namespace: "ts.unknown", identifier: "vip" };
const noNamespace = (call) => [404, NotFoundErrorResponse, "unkey/data/ratelimit_namespace_not_found", call];
const gone = (call) => [410, GoneErrorResponse, "unkey/data/ratelimit_namespace_gone", call];
const check = async () => ({ namespace: await deletedNamespace(), identifier: "a", limit: 1, duration: hour });

export const refusals = {
    limit: gone(async (unkey) => unkey.ratelimit.limit(await check())),
    multiLimit: gone(async (unkey) => unkey.ratelimit.multiLimit([await check()])),
    setOverride: noNamespace((unkey) => unkey.ratelimit.setOverride({ ...unknown, limit: 1, duration: hour })),
    getOverride: [404, NotFoundErrorResponse, "unkey/data/ratelimit_override_not_found", async (unkey) => unkey.ratelimit.getOverride({ namespace: await newNamespace(), identifier: "nobody" })],
    listOverrides: noNamespace((unkey) => unkey.ratelimit.listOverrides({ namespace: "ts.unknown" })),
    deleteOverride: noNamespace((unkey) => unkey.ratelimit.deleteOverride(unknown)),
};
