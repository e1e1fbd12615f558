// Callers of a Hono app by their API keys, `Authorization: Bearer <key>`, verified by the database.
import { getConnInfo } from "@hono/node-server/conninfo";
import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import { HTTPException } from "hono/http-exception";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { Pool, PoolClient } from "pg";

/** What a route asks of a key besides being good; see unkey_verify_key. */
export interface Question {
    permissions?: string;
    cost?: number;
    ratelimits?: { name: string; cost?: number; limit?: number; duration?: number }[];
}

export interface Caller {
    keyId: string;
    externalId: string | null;
    /** What is left; null for unlimited. */
    credits: number | null;
}

interface Limit {
    name: string;
    limit: number;
    duration: number;
    remaining: number;
    reset: number;
    exceeded: boolean;
}

interface Verdict extends Caller {
    code: string;
    ratelimits: Limit[];
}

/** Lets requests through whose key is good for the question; `c.var.caller` says who it is. */
export function requireKey(pool: Pool, question: Question = {}) {
    return createMiddleware<{ Variables: { caller: Caller } }>(async (c, next) => {
        const verdict = await ask(pool, "unkey_verify_key", c, question);
        admit(c, verdict);
        c.set("caller", verdict);
        await next();
    });
}

/**
 * The same in one transaction with the handler, on `c.var.db`. Row-level security knows who is calling, and what a handler that
 * throws or answers with an error has spent comes back.
 */
export function withKey(pool: Pool, question: Question = {}) {
    return createMiddleware<{ Variables: { caller: Caller; db: PoolClient } }>(async (c, next) => {
        const db = await pool.connect();
        let lost: Error | undefined;
        try {
            await db.query("BEGIN");
            const verdict = await ask(db, "unkey_authenticate", c, question);
            if (verdict.code === "VALID") {
                c.set("caller", verdict);
                c.set("db", db);
                await next();
            }
            const failed = c.error !== undefined || c.res.status >= 400;
            const { command } = await db.query(failed ? "ROLLBACK" : "COMMIT");
            if (!failed && command !== "COMMIT") throw new Error("a statement failed, and the handler overlooked it");
            admit(c, verdict);
        } catch (error) {
            await db.query("ROLLBACK").catch((also) => (lost = also));
            throw error;
        } finally {
            db.release(lost);
        }
    });
}

/** The verdict on the key of a request, which is NOT_FOUND without one. */
async function ask(db: Pool | PoolClient, verify: string, c: Context, question: Question): Promise<Verdict> {
    const key = c.req.header("authorization")?.match(/^Bearer (\S+)$/i)?.[1];
    const { permissions, cost, ratelimits } = question;
    const { rows } = await db.query(
        `SELECT code, key_id AS "keyId", identity ->> 'externalId' AS "externalId", credits::float8, coalesce(ratelimits, '[]') AS ratelimits
        FROM ${verify}(key => $1, permissions => $2, cost => $3, ratelimits => $4, ip => $5)`,
        [key, permissions, cost, ratelimits && JSON.stringify(ratelimits), getConnInfo(c).remote.address],
    );
    return rows[0];
}

const statuses: Record<string, ContentfulStatusCode> = {
    VALID: 200,
    FORBIDDEN: 403,
    INSUFFICIENT_PERMISSIONS: 403,
    RATE_LIMITED: 429,
    USAGE_EXCEEDED: 429,
};

/** Tells about limits, and refuses the request if its key is refused. */
function admit(c: Context, { code, ratelimits }: Verdict): void {
    const now = Date.now();
    const seconds = ({ reset }: Limit) => Math.max(1, Math.ceil((reset - now) / 1000));
    const list = (of: (limit: Limit) => string) => ratelimits.map((limit) => `${quoted(limit.name)};${of(limit)}`).join(", ");
    if (ratelimits.length > 0) {
        c.header("RateLimit-Policy", list(({ limit, duration }) => `q=${limit};w=${Math.ceil(duration / 1000)}`));
        c.header("RateLimit", list((limit) => `r=${limit.remaining};t=${seconds(limit)}`));
    }
    const status = statuses[code] ?? 401;
    if (status === 200) return;
    const exceeded = ratelimits.filter((limit) => limit.exceeded);
    if (exceeded.length > 0) c.header("Retry-After", `${Math.max(...exceeded.map(seconds))}`);
    if (status === 401) c.header("WWW-Authenticate", "Bearer");
    throw new HTTPException(status, { res: c.json({ error: code }, status) });
}

/** A name as a string of HTTP's structured fields, which are ASCII. */
function quoted(name: string): string {
    return `"${name.replace(/[^ -~]/g, "?").replace(/["\\]/g, "\\$&")}"`;
}
