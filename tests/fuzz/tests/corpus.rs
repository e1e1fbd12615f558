//! Replays the kept inputs of every target.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeSet;
use std::fs;
use std::panic::catch_unwind;
use std::path::PathBuf;
use std::thread;

use unkey_fuzz::{TARGETS, Target};

fn corpus() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

fn entries(directory: PathBuf) -> BTreeSet<PathBuf> {
    fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect()
}

/// In bytes. Readers recurse, in a debug build with frames that are larger than those of a server.
const STACK: usize = 64 << 20;

/// The inputs of a target that fail.
fn failing(name: &str, target: Target) -> Vec<PathBuf> {
    let files = entries(corpus().join(name));
    assert!(!files.is_empty(), "{name} has no corpus");
    let fails = |file: &PathBuf| {
        let input = fs::read(file).unwrap();
        catch_unwind(|| target(&input)).is_err()
    };
    files.into_iter().filter(fails).collect()
}

#[test]
fn what_was_kept_still_holds() {
    let replay = || TARGETS.iter().flat_map(|(name, target)| failing(name, *target)).collect::<Vec<_>>();
    let failed = thread::Builder::new().stack_size(STACK).spawn(replay).unwrap().join().unwrap();
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn every_corpus_has_a_target() {
    let names: BTreeSet<PathBuf> = TARGETS.iter().map(|(name, _)| corpus().join(name)).collect();
    assert_eq!(entries(corpus()), names);
}
