// analytics.*
import assert from "node:assert/strict";
import { BadRequestErrorResponse } from "@unkey/api/models/errors";
import { newKey, sql, unique, unkey, verify } from "../client.mjs";

const { analytics } = unkey;

/** Brings what was just recorded into the tables that are asked. */
const settle = () => sql("SELECT count(unkey.maintain())");

export const answers = {
    async getVerifications() {
        const { keyId, key } = await newKey({ credits: { remaining: 5 } });
        await verify(key, { credits: { cost: 2 }, tags: ["path=/docs"] });
        await verify(key, { credits: { cost: 9 } });
        settle();
        const query = `SELECT outcome, spent_credits, tags FROM key_verifications_v1 WHERE key_id = '${keyId}' ORDER BY outcome`;
        assert.deepEqual((await analytics.getVerifications({ query })).data, [
            { outcome: "USAGE_EXCEEDED", spent_credits: 0, tags: [] },
            { outcome: "VALID", spent_credits: 2, tags: ["path=/docs"] },
        ]);
    },

    async getRatelimits() {
        const identifier = unique("ts");
        const request = { namespace: "ts.analytics", identifier, limit: 1, duration: 3_600_000 };
        await unkey.ratelimit.limit(request);
        await unkey.ratelimit.limit(request);
        settle();
        const query = `SELECT passed, count() AS n FROM ratelimits_v1 WHERE identifier = '${identifier}' GROUP BY passed ORDER BY passed`;
        assert.deepEqual((await analytics.getRatelimits({ query })).data, [{ passed: false, n: 1 }, { passed: true, n: 1 }]);
    },
};

const refused = (type, call) => [400, BadRequestErrorResponse, `user/bad_request/${type}`, call];

export const refusals = {
    getVerifications: refused("invalid_analytics_table", (unkey) => unkey.analytics.getVerifications({ query: "SELECT hash FROM keys" })),
    getRatelimits: refused("invalid_analytics_query_type", (unkey) => unkey.analytics.getRatelimits({ query: "DELETE FROM ratelimits_v1" })),
};
