//! The order of a verdict against a slow model that walks the specification's table row by row.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::collections::HashMap;
use std::net::IpAddr;

use ipnet::IpNet;
use proptest::prelude::*;
use unkey_core::Error;
use unkey_core::document::RequestedLimit;
use unkey_core::limits::{CounterKey, Owned, StoredLimit};
use unkey_core::ratelimit::{Batch, Check, Counter, Window, judge};
use unkey_core::verdict::{Code, Ledger, Request, Spent, Subject, Take, Verdict, decide};

/// State in memory, which remembers what it was asked for.
#[derive(Debug, Clone, Default, PartialEq)]
struct Memory {
    counters: HashMap<CounterKey, Window>,
    balance: Option<i64>,
    asked: Vec<&'static str>,
}

const NOW: i64 = 1_763_000_000_000;

impl Ledger for Memory {
    type Error = Error;

    fn take(&mut self, takes: &[Take]) -> Result<Batch, Error> {
        self.asked.push("take");
        let window = |take: &Take| self.counters.get(take.counter).copied().unwrap_or_default();
        let mut counters: Vec<Counter> = takes
            .iter()
            .map(|take| Counter { duration: take.counter.duration, window: window(take) })
            .collect();
        let checks: Vec<Check> = (0..)
            .zip(takes)
            .map(|(counter, take)| Check { counter, limit: take.limit, cost: take.cost })
            .collect();
        let batch = judge(&checks, &mut counters, NOW);
        if batch.passed {
            let windows = counters.iter().map(|counter| counter.window);
            self.counters.extend(takes.iter().map(|take| take.counter.clone()).zip(windows));
        }
        Ok(batch)
    }

    fn spend(&mut self, cost: i64) -> Result<Option<Spent>, Error> {
        self.asked.push(if cost > 0 { "spend" } else { "read" });
        let Some(balance) = self.balance else { return Ok(None) };
        let covered = cost <= balance;
        let remaining = if covered { balance - cost } else { balance };
        self.balance = Some(remaining);
        Ok(Some(Spent { covered, remaining }))
    }
}

/// Everything a verdict depends on, small enough to enumerate by chance.
#[derive(Debug, Clone)]
struct World {
    api_enabled: bool,
    enabled: bool,
    expires: Option<i64>,
    api_allows: Option<bool>,
    key_allows: Option<bool>,
    holds: bool,
    query: Option<&'static str>,
    limit: Option<i64>,
    used: i64,
    balance: Option<i64>,
    cost: Option<i64>,
}

fn worlds() -> impl Strategy<Value = World> {
    let standing = (
        prop::bool::weighted(0.9),
        prop::bool::weighted(0.9),
        prop::option::weighted(0.3, -1..=1i64),
        prop::option::weighted(0.3, prop::bool::weighted(0.7)),
        prop::option::weighted(0.3, prop::bool::weighted(0.7)),
    );
    let query = prop_oneof![Just(None), Just(Some("p")), Just(Some("q OR p")), Just(Some("p AND"))];
    let state = (prop::option::of(0..4i64), 0..4i64, prop::option::of(0..4i64), prop::option::of(0..4i64));
    (standing, prop::bool::weighted(0.7), query, state).prop_map(|(standing, holds, query, state)| World {
        api_enabled: standing.0,
        enabled: standing.1,
        expires: standing.2.map(|offset| NOW + offset),
        api_allows: standing.3,
        key_allows: standing.4,
        holds,
        query,
        limit: state.0,
        used: state.1,
        balance: state.2,
        cost: state.3,
    })
}

const CLIENT: &str = "10.0.0.1";

fn allowlist(allows: Option<bool>) -> Vec<IpNet> {
    let network = |allows| if allows { "10.0.0.0/8" } else { "192.168.0.0/16" };
    allows.map(|allows| network(allows).parse().unwrap()).into_iter().collect()
}

fn stored(limit: i64) -> StoredLimit {
    StoredLimit { id: "rl_1".into(), name: "rl".into(), limit, duration: 60_000, auto_apply: true }
}

fn memory(world: &World) -> Memory {
    let counter = CounterKey::new("limit:rl".into(), "key_1".into(), 60_000);
    let window = Window { current: world.used, ..Window::default().rolled(NOW, 60_000) };
    Memory { counters: HashMap::from([(counter, window)]), balance: world.balance, asked: Vec::new() }
}

fn run(world: &World, ledger: &mut Memory) -> Result<Verdict, Error> {
    let (api_list, key_list) = (allowlist(world.api_allows), allowlist(world.key_allows));
    let permissions: Vec<String> = world.holds.then(|| "p".to_owned()).into_iter().collect();
    let limits: Vec<StoredLimit> = world.limit.map(stored).into_iter().collect();
    let owned = Owned { key_id: "key_1", key: &limits, identity_id: "", identity: &[] };
    let automatic = owned.applied(&[]).unwrap_or_default();
    let subject = Subject {
        api_enabled: world.api_enabled,
        enabled: world.enabled,
        expires: world.expires,
        allowlists: [&api_list, &key_list],
        permissions: &permissions,
        limits: owned,
        automatic: &automatic,
        metered: world.balance.is_some(),
    };
    let request = Request {
        permissions: world.query,
        cost: world.cost,
        ratelimits: &[],
        ip: CLIENT.parse::<IpAddr>().ok(),
        now: NOW,
    };
    decide(&subject, &request, ledger)
}

/// The table: the first row that applies. `None` for the syntax error, which comes before everything.
fn expected(world: &World) -> Option<Code> {
    let table = [
        (!world.api_enabled, Code::Forbidden),
        (!world.enabled, Code::Disabled),
        (world.expires == Some(NOW - 1), Code::Expired),
        (world.api_allows == Some(false) || world.key_allows == Some(false), Code::Forbidden),
        (world.query.is_some() && !world.holds, Code::InsufficientPermissions),
        (world.limit.is_some_and(|limit| world.used + 1 > limit), Code::RateLimited),
        (world.balance.is_some_and(|balance| world.cost.unwrap_or(1) > balance), Code::UsageExceeded),
    ];
    let first = table.into_iter().find(|(applies, _)| *applies).map_or(Code::Valid, |(_, code)| code);
    (world.query != Some("p AND")).then_some(first)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn the_first_failing_row_decides(world in worlds()) {
        let mut ledger = memory(&world);
        prop_assert_eq!(run(&world, &mut ledger).ok().map(|verdict| verdict.code), expected(&world));
    }

    #[test]
    fn a_row_that_is_not_reached_costs_nothing(world in worlds()) {
        let before = memory(&world);
        let mut after = before.clone();
        let verdict = run(&world, &mut after);
        let counted = after.counters != before.counters;
        let spent = after.balance != before.balance;
        match verdict.map(|verdict| verdict.code) {
            Err(_) => prop_assert!(after.asked.is_empty()),
            Ok(Code::Valid) => {
                prop_assert_eq!(counted, world.limit.is_some());
                let cost = world.cost.unwrap_or(1);
                prop_assert_eq!(after.balance, world.balance.map(|balance| balance - cost));
            }
            Ok(Code::UsageExceeded) => prop_assert!(!spent && counted == world.limit.is_some()),
            Ok(Code::RateLimited) => prop_assert!(!spent && !counted),
            Ok(_) => prop_assert!(!spent && !counted && !after.asked.contains(&"take")),
        }
    }

    #[test]
    fn the_balance_is_always_reported(world in worlds()) {
        let mut ledger = memory(&world);
        if let Ok(verdict) = run(&world, &mut ledger) {
            prop_assert_eq!(verdict.credits, ledger.balance);
            prop_assert_eq!(verdict.spent, world.balance.unwrap_or(0) - ledger.balance.unwrap_or(0));
        }
    }
}

fn plain() -> World {
    World {
        api_enabled: true,
        enabled: true,
        expires: None,
        api_allows: None,
        key_allows: None,
        holds: true,
        query: None,
        limit: None,
        used: 0,
        balance: None,
        cost: None,
    }
}

fn code(world: World) -> Code {
    let mut ledger = memory(&world);
    run(&world, &mut ledger).unwrap().code
}

#[test]
fn vk_10_and_11_expiry_is_strict() {
    assert_eq!(code(World { expires: Some(NOW - 1), ..plain() }), Code::Expired);
    assert_eq!(code(World { expires: Some(NOW), ..plain() }), Code::Valid);
}

#[test]
fn vk_23_a_syntax_error_comes_before_everything() {
    let world = World { enabled: false, query: Some("p AND"), ..plain() };
    assert!(run(&world, &mut memory(&world)).is_err());
}

#[test]
fn vk_22_limits_stay_counted_when_credits_fail() {
    let world = World { limit: Some(3), balance: Some(1), ..plain() };
    let mut ledger = memory(&world);
    let codes: Vec<Code> = (0..4).map(|_| run(&world, &mut ledger).unwrap().code).collect();
    assert_eq!(codes, [Code::Valid, Code::UsageExceeded, Code::UsageExceeded, Code::RateLimited]);
}

#[test]
fn rl_17_and_19_an_unknown_limit_is_a_mistake_only_while_the_key_is_valid() {
    let unknown = [RequestedLimit { name: "zzz".into(), cost: None, limit: None, duration: None }];
    let ask = |enabled| {
        let limits = Owned { key_id: "key_1", key: &[], identity_id: "id_1", identity: &[] };
        let subject = Subject {
            api_enabled: true,
            enabled,
            expires: None,
            allowlists: [&[], &[]],
            permissions: &[],
            limits,
            automatic: &[],
            metered: false,
        };
        let request = Request { permissions: None, cost: None, ratelimits: &unknown, ip: None, now: NOW };
        decide(&subject, &request, &mut Memory::default())
    };
    let error = ask(true).unwrap_err();
    assert!(
        error.message.contains("zzz") && error.message.contains("key_1") && error.message.contains("id_1")
    );
    assert_eq!(ask(false).unwrap().code, Code::Disabled);
}
