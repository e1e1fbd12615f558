//! Torture: many clients against one database, and a check of everything they saw. `tests/torture/run` starts the servers
//! and says how much of it there is; each part works in the database of PGHOST and friends, whose extension it makes anew.

mod client;
mod history;
mod limits;
mod money;
mod revocation;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Many clients against one database, and a check of what they saw.
#[derive(Debug, Parser)]
struct Command {
    #[command(subcommand)]
    part: Part,
    /// Repeats the choices of a run, though not its timing.
    #[arg(long, global = true)]
    seed: Option<u64>,
}

#[derive(Debug, Subcommand)]
enum Part {
    /// Answers while keys change.
    Revocation(revocation::Options),
    /// Balances after transactions of every kind.
    Money(money::Options),
    /// What limits let through.
    Limits(limits::Options),
}

fn main() -> ExitCode {
    let command = Command::parse();
    let seed = command.seed.unwrap_or_else(|| fastrand::u64(..1_000_000));
    println!("seed {seed}");
    let done = match &command.part {
        Part::Revocation(options) => revocation::run(options, seed),
        Part::Money(options) => money::run(options, seed),
        Part::Limits(options) => limits::run(options, seed),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::FAILURE
        }
    }
}
