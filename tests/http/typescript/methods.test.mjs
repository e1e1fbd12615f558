// Every method of the client: one call that goes well and one that is refused. The client itself says which there are.
import assert from "node:assert/strict";
import { test } from "node:test";
import { APIError, TooManyRequestsErrorResponse, UnauthorizedErrorResponse } from "@unkey/api/models/errors";
import * as analytics from "./calls/analytics.mjs";
import * as apis from "./calls/apis.mjs";
import * as identities from "./calls/identities.mjs";
import * as keys from "./calls/keys.mjs";
import * as permissions from "./calls/permissions.mjs";
import * as ratelimit from "./calls/ratelimit.mjs";
import { atLimit, client, replies, unkey } from "./client.mjs";

const calls = { analytics, apis, identities, keys, permissions, ratelimit };

// Of Unkey's hosting; an API key server has nothing to answer.
const notServed = {
    families: ["apps", "deployments", "domains", "environments", "gateway", "github", "internal", "portal", "projects"],
    methods: { "analytics.getGatewayRequests": { query: "SELECT 1" }, "analytics.getRuntimeLogs": { query: "SELECT 1" } },
};

/** The public names on the class of an object: methods and getters. */
const members = (object) => Object.getOwnPropertyNames(Object.getPrototypeOf(object)).filter((name) => name !== "constructor");

const methods = Object.keys(calls)
    .flatMap((family) => members(unkey[family]).map((method) => ({ family, method, name: `${family}.${method}` })))
    .filter(({ name }) => !(name in notServed.methods));

test("every family of the client is either served or known not to be", () => {
    assert.deepEqual(members(unkey).sort(), [...Object.keys(calls), ...notServed.families].sort());
});

test("every call written down here is a method of the client", () => {
    const written = (kind) => Object.entries(calls).flatMap(([family, table]) => Object.keys(table[kind]).map((method) => `${family}.${method}`));
    const names = methods.map(({ name }) => name).sort();
    assert.deepEqual(written("answers").sort(), names);
    assert.deepEqual(written("refusals").sort(), names);
});

for (const { family, method, name } of methods) {
    test(`${name} answers`, calls[family].answers[method]);
}

/** Asserts that the call fails with exactly this class, status and type. */
async function assertRefused(call, status, errorClass, type) {
    await assert.rejects(call, (error) => {
        assert.equal(error.constructor, errorClass, `${error.constructor.name}: ${error.message}`);
        assert.equal(error.statusCode, status);
        const body = JSON.parse(error.body);
        assert.equal(body.error.type, `https://unkey.com/docs/errors/${type}`);
        assert.equal(body.error.status, status);
        assert.equal("errors" in body.error, status === 400);
        return true;
    });
}

for (const { family, method, name } of methods) {
    test(`${name} is refused`, async () => {
        const [status, errorClass, type, call, restricted] = calls[family].refusals[method];
        await assertRefused(call(restricted ? await restricted() : unkey), status, errorClass, type);
    });

    test(`${name} is refused to an unknown root key`, async () => {
        const call = calls[family].refusals[method][3];
        await assertRefused(call(client("unkey_nobody")), 401, UnauthorizedErrorResponse, "unkey/authentication/key_not_found");
    });

    test(`SD-04 ${name} is refused when the workspace's limit is reached`, async () => {
        const call = calls[family].refusals[method][3];
        await assertRefused(call(atLimit), 429, TooManyRequestsErrorResponse, "user/too_many_requests/workspace_rate_limited");
    });
}

for (const [name, request] of Object.entries(notServed.methods)) {
    test(`${name} is not served`, async () => {
        const [family, method] = name.split(".");
        await assertRefused(unkey[family][method](request), 404, APIError, "unkey/application/not_found");
    });
}

test("SD-14 every reply carries the id of its request", () => {
    assert.ok(replies.filter(({ status }) => status === 200).length > methods.length);
    for (const { requestId, body } of replies) {
        assert.match(body.meta.requestId, /^req_[0-9A-Za-z]{12,}$/);
        assert.equal(requestId, body.meta.requestId);
    }
    assert.equal(new Set(replies.map(({ requestId }) => requestId)).size, replies.length);
});
