// An HTTP API whose callers need a key: `Authorization: Bearer <key>`.
import { createServer, type IncomingMessage } from "node:http";
import { Unkey } from "@unkey/api";
import type { V2KeysVerifyKeyResponseData as Verdict } from "@unkey/api/models/components";

const { UNKEY_URL, UNKEY_ROOT_KEY, PORT = "3000" } = process.env;
const unkey = new Unkey({ serverURL: UNKEY_URL, rootKey: UNKEY_ROOT_KEY });

interface Reply {
    status: number;
    body: object;
    headers?: Record<string, string>;
}

// What each path needs, and what it answers to a caller whose key has that.
const routes: Record<string, { permissions?: string; answer: (caller: Verdict) => object }> = {
    "/": { answer: ({ identity, credits }) => ({ owner: identity?.externalId, remaining: credits }) },
    "/invoices": { permissions: "invoices.read", answer: () => ({ invoices: [] }) },
};

/** What a caller whose key is not valid is told. */
function refuse({ code, ratelimits = [] }: Verdict): Reply {
    const body = { error: code };
    switch (code) {
        case "RATE_LIMITED": {
            const reset = Math.max(...ratelimits.filter(({ exceeded }) => exceeded).map(({ reset }) => reset));
            const seconds = Math.max(1, Math.ceil((reset - Date.now()) / 1000));
            return { status: 429, body, headers: { "retry-after": String(seconds) } };
        }
        case "USAGE_EXCEEDED":
            return { status: 429, body };
        case "INSUFFICIENT_PERMISSIONS":
        case "FORBIDDEN":
            return { status: 403, body };
        default:
            return { status: 401, body, headers: { "www-authenticate": "Bearer" } };
    }
}

async function answer(request: IncomingMessage): Promise<Reply> {
    const route = routes[(request.url ?? "/").split("?")[0]];
    if (!route) return { status: 404, body: { error: "NOT_FOUND" } };
    const key = request.headers.authorization?.match(/^Bearer (.{1,512})$/)?.[1];
    if (!key) return refuse({ valid: false, code: "NOT_FOUND" });
    const { data: verdict } = await unkey.keys.verifyKey({ key, permissions: route.permissions });
    return verdict.valid ? { status: 200, body: route.answer(verdict) } : refuse(verdict);
}

const server = createServer(async (request, response) => {
    // No verdict, no entry: a caller is told to come again.
    const { status, body, headers } = await answer(request).catch((error): Reply => {
        console.error(error);
        return { status: 503, body: { error: "UNAVAILABLE" } };
    });
    response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
});

server.listen(Number(PORT), "127.0.0.1", () => console.log(`http://127.0.0.1:${PORT}`));
