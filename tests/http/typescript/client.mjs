// The official client pointed at our server, and what the tests need besides.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { Unkey } from "@unkey/api";
import { HTTPClient } from "@unkey/api/lib/http.js";

export const url = process.env.UNKEY_URL;
export const rootKey = process.env.UNKEY_ROOT_KEY;
assert.ok(url && rootKey, "UNKEY_URL and UNKEY_ROOT_KEY must be set");

/** Every reply that a client of `client` got: `{ status, type, requestId, body }`. */
export const replies = [];

async function remember(response) {
    replies.push({
        status: response.status,
        type: response.headers.get("content-type"),
        requestId: response.headers.get("x-request-id"),
        body: await response.clone().json(),
    });
}

/** A client with this root key. */
export const client = (key, options = {}) =>
    new Unkey({ serverURL: url, rootKey: key, httpClient: new HTTPClient().addHook("response", remember), ...options });

export const unkey = client(rootKey);

/** The body that the server answers to a bare POST with our root key. */
export async function post(operation, body) {
    const response = await fetch(`${url}/v2/${operation}`, {
        method: "POST",
        headers: { authorization: `Bearer ${rootKey}`, "content-type": "application/json" },
        body: JSON.stringify(body),
    });
    const reply = await response.json();
    assert.equal(response.status, 200, JSON.stringify(reply));
    return reply;
}

/** What one statement prints. */
export const sql = (statement) =>
    execFileSync("psql", ["-XAtq", "-v", "ON_ERROR_STOP=1", "-c", statement, process.env.DATABASE_URL], { encoding: "utf8" }).trim();

/** A client whose root key may do these things only. */
export const restricted = async (...permissions) => client((await post("rootKeys.createKey", { permissions })).data.key);

const setWorkspaceLimit = (limit) => sql(`SELECT unkey_update_workspace('{"ratelimit": ${limit}}')`);

/** A client each of whose calls finds the limit of the workspace reached. Others are refused meanwhile, so nothing may run beside it. */
export const atLimit = client(rootKey, {
    httpClient: new HTTPClient()
        .addHook("beforeRequest", () => void setWorkspaceLimit('{"limit": 0, "duration": 60000}'))
        .addHook("response", () => void setWorkspaceLimit("null"))
        .addHook("requestError", () => void setWorkspaceLimit("null")),
});

let made = 0;
/** A name that nobody else has. */
export const unique = (name) => `${name}.${process.pid}.${Date.now().toString(36)}.${++made}`;

export const newApi = async () => (await unkey.apis.createApi({ name: unique("ts") })).data.apiId;

/** A key in a new API: `{ apiId, keyId, key }`. */
export async function newKey(fields = {}) {
    const apiId = fields.apiId ?? (await newApi());
    return { apiId, ...(await unkey.keys.createKey({ apiId, ...fields })).data };
}

export async function newIdentity(fields = {}) {
    const externalId = unique("ts");
    return { externalId, id: (await unkey.identities.createIdentity({ externalId, ...fields })).data.identityId };
}

export async function newPermission() {
    const slug = unique("ts");
    return { slug, id: (await unkey.permissions.createPermission({ name: "Made by a test", slug })).data.permissionId };
}

export async function newRole(fields = {}) {
    const name = unique("ts");
    return { name, id: (await unkey.permissions.createRole({ name, ...fields })).data.roleId };
}

/** A namespace that exists: its name. */
export async function newNamespace() {
    const namespace = unique("ts");
    await unkey.ratelimit.limit({ namespace, identifier: "first", limit: 1, duration: 60000 });
    return namespace;
}

export const getKey = async (keyId) => (await unkey.keys.getKey({ keyId })).data;

export const verify = async (key, fields = {}) => (await unkey.keys.verifyKey({ key, ...fields })).data;

/** Asserts that a time in milliseconds is within an hour of now, in the given direction. */
export function assertSoon(time) {
    assert.ok(time > Date.now() && time <= Date.now() + 3_600_000, `${time} is not within the next hour`);
}
