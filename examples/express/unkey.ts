// Callers of an Express app by their API keys, `Authorization: Bearer <key>`, verified by the database.
import type { Request, RequestHandler, Response } from "express";
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

declare module "express-serve-static-core" {
    interface Request {
        caller?: Caller;
    }
}

/** Lets requests through whose key is good for the question; `request.caller` says who it is. */
export function requireKey(pool: Pool, question: Question = {}): RequestHandler {
    return async (request, response, next) => {
        if (admits(response, await ask(pool, "unkey_verify_key", request, question))) next();
    };
}

/**
 * The same in one transaction with the handler, whose result is the body. Row-level security knows who is calling, and what a
 * handler that throws has spent comes back.
 */
export function withKey(
    pool: Pool,
    question: Question,
    handler: (request: Request, db: PoolClient) => Promise<unknown>,
): RequestHandler {
    return async (request, response) => {
        const db = await pool.connect();
        let lost: Error | undefined;
        try {
            await db.query("BEGIN");
            const verdict = await ask(db, "unkey_authenticate", request, question);
            const body = verdict.code === "VALID" ? await handler(request, db) : undefined;
            const { command } = await db.query("COMMIT");
            if (command !== "COMMIT") throw new Error("a statement failed, and the handler overlooked it");
            if (admits(response, verdict)) response.json(body);
        } catch (error) {
            await db.query("ROLLBACK").catch((also) => (lost = also));
            throw error;
        } finally {
            db.release(lost);
        }
    };
}

/** The verdict on the key of a request, which is NOT_FOUND without one. */
async function ask(db: Pool | PoolClient, verify: string, request: Request, question: Question): Promise<Verdict> {
    const key = request.get("authorization")?.match(/^Bearer (\S+)$/i)?.[1];
    const { permissions, cost, ratelimits } = question;
    const { rows } = await db.query(
        `SELECT code, key_id AS "keyId", identity ->> 'externalId' AS "externalId", credits::float8, coalesce(ratelimits, '[]') AS ratelimits
        FROM ${verify}(key => $1, permissions => $2, cost => $3, ratelimits => $4, ip => $5)`,
        [key, permissions, cost, ratelimits && JSON.stringify(ratelimits), request.ip],
    );
    const { keyId, externalId, credits } = rows[0];
    request.caller = { keyId, externalId, credits };
    return rows[0];
}

const statuses: Record<string, number> = {
    VALID: 200,
    FORBIDDEN: 403,
    INSUFFICIENT_PERMISSIONS: 403,
    RATE_LIMITED: 429,
    USAGE_EXCEEDED: 429,
};

/** Tells about limits, and answers the request if its key is refused. */
function admits(response: Response, { code, ratelimits }: Verdict): boolean {
    const now = Date.now();
    const seconds = ({ reset }: Limit) => Math.max(1, Math.ceil((reset - now) / 1000));
    const list = (of: (limit: Limit) => string) => ratelimits.map((limit) => `${quoted(limit.name)};${of(limit)}`).join(", ");
    if (ratelimits.length > 0) {
        response.set("RateLimit-Policy", list(({ limit, duration }) => `q=${limit};w=${Math.ceil(duration / 1000)}`));
        response.set("RateLimit", list((limit) => `r=${limit.remaining};t=${seconds(limit)}`));
    }
    const status = statuses[code] ?? 401;
    if (status === 200) return true;
    const exceeded = ratelimits.filter((limit) => limit.exceeded);
    if (exceeded.length > 0) response.set("Retry-After", `${Math.max(...exceeded.map(seconds))}`);
    if (status === 401) response.set("WWW-Authenticate", "Bearer");
    response.status(status).json({ error: code });
    return false;
}

/** A name as a string of HTTP's structured fields, which are ASCII. */
function quoted(name: string): string {
    return `"${name.replace(/[^ -~]/g, "?").replace(/["\\]/g, "\\$&")}"`;
}
