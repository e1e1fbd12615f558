//! Daily refills that come due for many clients at the same moment: each is paid once.

use std::sync::Barrier;
use std::sync::atomic::{AtomicI64, Ordering};
use std::thread;

use fastrand::Rng;
use postgres::Client;

use super::{Options, balance};
use crate::client::{Result, connect, joined, or_exit};

const AMOUNT: i64 = 60;
/// 2031-01-01 12:00 UTC, in milliseconds.
const NOON: i64 = 1_925_035_200_000;
const DAY: i64 = 86_400_000;
const CALLS: usize = 4;

pub fn run(client: &mut Client, api: &str, options: &Options, seed: u64) -> Result<()> {
    client.batch_execute(&format!("SET unkey.clock = {NOON}"))?;
    let row = client.query_one(
        "SELECT key_id, key FROM unkey_create_key($1, credits => $2, refill_amount => $2, refill_interval => 'daily')",
        &[&api, &AMOUNT],
    )?;
    let (key_id, key): (String, String) = (row.try_get(0)?, row.try_get(1)?);
    let spent: Vec<AtomicI64> = (0..=options.days).map(|_| AtomicI64::new(0)).collect();
    let (barrier, spent) = (&Barrier::new(options.clients), &spent);
    let key = &key;
    thread::scope(|scope| {
        let clients: Vec<_> = (0..options.clients)
            .map(|number| {
                let rng = Rng::with_seed(seed.wrapping_add(6000 + number as u64));
                scope.spawn(move || or_exit(spend(key, rng, barrier, spent)))
            })
            .collect();
        clients.into_iter().for_each(joined);
    });
    let spent: Vec<i64> = spent.iter().map(|sum| sum.load(Ordering::Relaxed)).collect();
    println!("{} refills, spent between them: {spent:?} of {AMOUNT}", options.days);
    if spent.iter().any(|&sum| sum > AMOUNT) {
        return Err("more was spent in a day than one refill gives".into());
    }
    if spent.iter().all(|&sum| sum < AMOUNT) {
        return Err("on no day was everything spent".into());
    }
    let (left, today) = (balance(client, &key_id)?, spent.last().copied().unwrap_or(0));
    if left != AMOUNT - today {
        Err(format!("{left} left after {today} of {AMOUNT} were spent").into())
    } else {
        Ok(())
    }
}

/// One client through all days; all clients begin a day together. What fails is counted as nothing spent, so nobody may fail
/// without the database saying so.
fn spend(key: &str, mut rng: Rng, barrier: &Barrier, spent: &[AtomicI64]) -> Result<()> {
    let mut client = connect(None)?;
    let verify = client.prepare("SELECT code FROM unkey_verify_key($1, cost => $2)")?;
    for (day, spent) in spent.iter().enumerate() {
        client.batch_execute(&format!("SET unkey.clock = {}", NOON + day as i64 * DAY))?;
        barrier.wait();
        for _ in 0..CALLS {
            let (cost, commits) = (rng.i64(1..4), rng.u8(0..4) > 0);
            client.batch_execute("BEGIN")?;
            let code: String = client.query_one(&verify, &[&key, &cost])?.try_get(0)?;
            client.batch_execute(if commits { "COMMIT" } else { "ROLLBACK" })?;
            if commits && code == "VALID" {
                spent.fetch_add(cost, Ordering::Relaxed);
            }
        }
        barrier.wait();
    }
    Ok(())
}
