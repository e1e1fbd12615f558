// The client's retries, against a stand-in that is not available at first.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { once } from "node:events";
import { test } from "node:test";
import { APIError } from "@unkey/api/models/errors";
import { client, newApi, rootKey, unkey, url } from "./client.mjs";

const unavailable = JSON.stringify({
    meta: { requestId: "req_standin" },
    error: { title: "Service Unavailable", detail: "Try again.", status: 503, type: "https://unkey.com/docs/errors/unkey/application/service_unavailable" },
});

/** Answers 503 to the first `failures` requests and hands the rest to our server; counts both. */
async function standIn(failures) {
    const seen = { refused: 0, forwarded: 0 };
    const server = createServer(async (request, response) => {
        const chunks = [];
        for await (const chunk of request) chunks.push(chunk);
        if (seen.refused < failures) {
            seen.refused++;
            return response.writeHead(503, { "content-type": "application/json", "retry-after": "0" }).end(unavailable);
        }
        seen.forwarded++;
        const { authorization, "content-type": type } = request.headers;
        const reply = await fetch(url + request.url, { method: "POST", headers: { authorization, "content-type": type }, body: Buffer.concat(chunks) });
        response.writeHead(reply.status, { "content-type": reply.headers.get("content-type") }).end(await reply.text());
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    return { seen, url: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}

test("a 503 is tried again, and the key is made once", async (t) => {
    const apiId = await newApi();
    const standin = await standIn(2);
    t.after(standin.close);
    const { data } = await client(rootKey, { serverURL: standin.url }).keys.createKey({ apiId, name: "once" });
    assert.deepEqual(standin.seen, { refused: 2, forwarded: 1 });
    const { result } = await unkey.apis.listKeys({ apiId });
    assert.deepEqual(result.data.map(({ keyId, name }) => [keyId, name]), [[data.keyId, "once"]]);
});

test("without retries a 503 is an APIError with its body", async (t) => {
    const standin = await standIn(1);
    t.after(standin.close);
    const impatient = client(rootKey, { serverURL: standin.url, retryConfig: { strategy: "none" } });
    await assert.rejects(impatient.keys.verifyKey({ key: "any" }), (error) => {
        assert.ok(error instanceof APIError);
        assert.deepEqual([error.statusCode, error.body], [503, unavailable]);
        return true;
    });
    assert.deepEqual(standin.seen, { refused: 1, forwarded: 0 });
});
