//! The `unkey-http` program.

fn main() {}
