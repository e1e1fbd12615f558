// An API whose callers need a key. Notes are in the database of ../notes.
import express, { type NextFunction, type Request, type Response } from "express";
import { DatabaseError, Pool } from "pg";
import { requireKey, withKey } from "./unkey.js";

const { DATABASE_URL, PORT = "3000" } = process.env;
const pool = new Pool({ connectionString: DATABASE_URL });
pool.on("error", console.error); // a connection that nobody was using

class BadRequest extends Error {}

const app = express();
app.use(express.json());

app.get("/", requireKey(pool), (request, response) => {
    response.json({ owner: request.caller?.externalId, remaining: request.caller?.credits });
});

app.get("/invoices", requireKey(pool, { permissions: "invoices.read" }), (_request, response) => {
    response.json({ invoices: [] });
});

// Policies show everybody their own.
app.get("/notes", withKey(pool, { permissions: "notes.read", cost: 0 }, async (_request, db) => {
    const { rows } = await db.query("SELECT customer, title FROM notes ORDER BY id");
    return rows;
}));

// Costs 5 credits, unless it fails.
app.post("/notes", withKey(pool, { permissions: "notes.write", cost: 5 }, async (request, db) => {
    const title = request.body?.title;
    if (!title?.trim()) throw new BadRequest("a note needs a title");
    const { rows } = await db.query("INSERT INTO notes (title) VALUES ($1) RETURNING customer, title", [title]);
    return rows[0];
}));

app.use((error: unknown, _request: Request, response: Response, next: NextFunction) => {
    if (response.headersSent) return next(error);
    // What a constraint or the parser refuses is the caller's mistake. Without a verdict there is no entry: come again.
    const wrong = error instanceof DatabaseError ? error.code?.startsWith("23") : error instanceof SyntaxError || error instanceof BadRequest;
    if (!wrong) console.error(error);
    response.status(wrong ? 400 : 503).json({ error: wrong ? "BAD_REQUEST" : "UNAVAILABLE" });
});

app.listen(Number(PORT), "127.0.0.1", () => console.log(`http://127.0.0.1:${PORT}`));
