//! HTTP in front of a Postgres with the unkey extension. Transport only: every rule is in the database.
#![forbid(unsafe_code)]
