// An API whose callers need a key. Notes are in the database of ../notes.
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import { DatabaseError, Pool } from "pg";
import { requireKey, withKey } from "./unkey.js";

const { DATABASE_URL, PORT = "3000" } = process.env;
const pool = new Pool({ connectionString: DATABASE_URL });
pool.on("error", console.error); // a connection that nobody was using

const app = new Hono();

app.get("/", requireKey(pool), (c) => c.json({ owner: c.var.caller.externalId, remaining: c.var.caller.credits }));

app.get("/invoices", requireKey(pool, { permissions: "invoices.read" }), (c) => c.json({ invoices: [] }));

// Policies show everybody their own.
app.get("/notes", withKey(pool, { permissions: "notes.read", cost: 0 }), async (c) => {
    const { rows } = await c.var.db.query("SELECT customer, title FROM notes ORDER BY id");
    return c.json(rows);
});

// Costs 5 credits, unless it fails.
app.post("/notes", withKey(pool, { permissions: "notes.write", cost: 5 }), async (c) => {
    const { title } = await c.req.json();
    if (!title?.trim()) return c.json({ error: "BAD_REQUEST" }, 400);
    const { rows } = await c.var.db.query("INSERT INTO notes (title) VALUES ($1) RETURNING customer, title", [title]);
    return c.json(rows[0]);
});

app.onError((error, c) => {
    if (error instanceof HTTPException) return error.getResponse();
    // What a constraint or the parser refuses is the caller's mistake. Without a verdict there is no entry: come again.
    const wrong = error instanceof DatabaseError ? error.code?.startsWith("23") : error instanceof SyntaxError;
    if (!wrong) console.error(error);
    return c.json({ error: wrong ? "BAD_REQUEST" : "UNAVAILABLE" }, wrong ? 400 : 503);
});

serve({ fetch: app.fetch, hostname: "127.0.0.1", port: Number(PORT) }, () => console.log(`http://127.0.0.1:${PORT}`));
