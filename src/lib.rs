//! `unkey`: API keys inside Postgres.

pgrx::pg_module_magic!();
