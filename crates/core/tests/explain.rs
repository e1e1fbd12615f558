//! An explanation against the decision that it explains.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::collections::HashMap;

use ipnet::IpNet;
use proptest::prelude::*;
use unkey_core::Error;
use unkey_core::credits::{Balance, Refill};
use unkey_core::document::RequestedLimit;
use unkey_core::explain::{
    Case, Credits, Explanation, Found, Grant, Outcome, Peek, Step, Whereabouts, explain,
};
use unkey_core::limits::{CounterKey, LimitState, Owned, StoredLimit};
use unkey_core::ratelimit::{Batch, Check, Counter, Window, judge};
use unkey_core::verdict::{Code, Ledger, Request, Spent, Subject, Take, Verdict, decide};

const NOW: i64 = 1_763_000_000_000;
const DAY: i64 = 86_400_000;

/// Everything a verdict depends on.
#[derive(Debug, Clone)]
struct World {
    whereabouts: Whereabouts<'static>,
    enabled: [bool; 2],
    expires: Option<i64>,
    lists: [Option<bool>; 2],
    permissions: Vec<String>,
    query: Option<&'static str>,
    key_limits: Vec<StoredLimit>,
    identity_limits: Vec<StoredLimit>,
    requested: Vec<RequestedLimit>,
    /// What has been counted in any counter: window, current, previous.
    counted: (i64, i64, i64),
    credits: Option<Credits>,
    cost: Option<i64>,
}

/// The state of a world at some time, as verifications and explanations find it.
struct State<'a> {
    world: &'a World,
    counters: HashMap<CounterKey, Window>,
    now: i64,
}

impl World {
    fn state(&self, now: i64) -> State<'_> {
        State { world: self, counters: HashMap::new(), now }
    }

    /// A ratelimit of 60 s that was found in its window of `NOW`, whatever it is looked at later.
    fn window(&self, duration: i64) -> Window {
        let (age, current, previous) = self.counted;
        Window { seq: NOW.div_euclid(duration) - age, current, previous }
    }

    fn with<T>(&self, now: i64, f: impl FnOnce(&Subject, &Request) -> T) -> T {
        let list = |allows: Option<bool>| -> Vec<IpNet> {
            let network = |allows| if allows { "10.0.0.0/8" } else { "192.168.0.0/16" };
            allows.map(|allows| network(allows).parse().unwrap()).into_iter().collect()
        };
        let [api_list, key_list] = self.lists.map(list);
        let limits = Owned {
            key_id: "key_1",
            key: &self.key_limits,
            identity_id: "id_1",
            identity: &self.identity_limits,
        };
        let automatic = limits.applied(&[]).unwrap();
        let subject = Subject {
            api_enabled: self.enabled[0],
            enabled: self.enabled[1],
            expires: self.expires,
            allowlists: [&api_list, &key_list],
            permissions: &self.permissions,
            limits,
            automatic: &automatic,
            metered: self.credits.is_some(),
        };
        let ip = "10.0.0.1".parse().ok();
        let request =
            Request { permissions: self.query, cost: self.cost, ratelimits: &self.requested, ip, now };
        f(&subject, &request)
    }

    /// What a verification answers at this time, if nothing happened before.
    fn decided(&self, now: i64) -> Result<Verdict, Error> {
        self.with(now, |subject, request| decide(subject, request, &mut self.state(now)))
    }

    fn explained(&self) -> Result<Vec<Explanation>, Error> {
        let grants: Vec<Grant> = self
            .permissions
            .iter()
            .map(|slug| Grant { slug: slug.clone(), direct: true, roles: vec!["editor".into()] })
            .collect();
        self.with(NOW, |subject, request| {
            let found = Found { key: None, whereabouts: self.whereabouts };
            let case = Case { found, subject: Some(*subject), request: *request, grants: &grants };
            explain(&case, &mut self.state(NOW))
        })
    }

    fn is_found(&self) -> bool {
        self.whereabouts == Whereabouts::Here
    }
}

impl Ledger for State<'_> {
    type Error = Error;

    fn take(&mut self, takes: &[Take]) -> Result<Batch, Error> {
        let counter = |take: &Take| {
            let duration = take.counter.duration;
            let window = self.counters.get(take.counter).copied();
            Counter { duration, window: window.unwrap_or_else(|| self.world.window(duration)) }
        };
        let mut counters: Vec<Counter> = takes.iter().map(counter).collect();
        let check = |(counter, take): (usize, &Take)| Check { counter, limit: take.limit, cost: take.cost };
        let checks: Vec<Check> = takes.iter().enumerate().map(check).collect();
        let batch = judge(&checks, &mut counters, self.now);
        let windows = takes.iter().zip(&counters);
        self.counters.extend(windows.map(|(take, counter)| (take.counter.clone(), counter.window)));
        Ok(batch)
    }

    fn spend(&mut self, cost: i64) -> Result<Option<Spent>, Error> {
        let Some(Credits { balance, refill }) = self.world.credits else { return Ok(None) };
        // Settled where it was explained, and later again.
        let balance = balance.settle(refill.as_ref(), NOW).settle(refill.as_ref(), self.now);
        Ok(Some(match balance.spend(cost) {
            Ok(left) => Spent { covered: true, remaining: left.remaining },
            Err(left) => Spent { covered: false, remaining: left.remaining },
        }))
    }
}

impl Peek for State<'_> {
    type Error = Error;

    fn windows(&mut self, counters: &[&CounterKey]) -> Result<Vec<Window>, Error> {
        Ok(counters.iter().map(|counter| self.world.window(counter.duration)).collect())
    }

    fn credits(&mut self) -> Result<Option<Credits>, Error> {
        Ok(self.world.credits)
    }
}

fn stored() -> impl Strategy<Value = Vec<StoredLimit>> {
    let limit = |name: &'static str| {
        (1..8i64, prop_oneof![Just(60_000), Just(90_000)], any::<bool>()).prop_map(
            move |(limit, duration, auto_apply)| StoredLimit {
                id: format!("rl_{name}"),
                name: name.into(),
                limit,
                duration,
                auto_apply,
            },
        )
    };
    (prop::option::of(limit("a")), prop::option::weighted(0.3, limit("b")))
        .prop_map(|(a, b)| a.into_iter().chain(b).collect())
}

fn requested() -> impl Strategy<Value = Vec<RequestedLimit>> {
    let name = prop_oneof![3 => Just("a"), 2 => Just("b"), 1 => Just("c")];
    let request = (name, prop::option::of(0..4i64), prop::option::of((0..6i64, Just(30_000))));
    let request = request.prop_map(|(name, cost, ad_hoc)| RequestedLimit {
        name: name.into(),
        cost,
        limit: ad_hoc.map(|(limit, _)| limit),
        duration: ad_hoc.map(|(_, duration)| duration),
    });
    prop::collection::vec(request, 0..3)
}

fn credits() -> impl Strategy<Value = Credits> {
    let refill = (1..6i64, prop::option::of(1..=31u8)).prop_map(|(amount, day)| Refill { amount, day });
    (0..4i64, -1..3i64, prop::option::of(refill)).prop_map(|(remaining, days, refill)| Credits {
        balance: Balance { remaining, settled_at: NOW - days * DAY, last_refill_at: None },
        refill,
    })
}

fn worlds() -> impl Strategy<Value = World> {
    let whereabouts = prop_oneof![
        15 => Just(Whereabouts::Here), 1 => Just(Whereabouts::OtherApi("api_2")), 1 => Just(Whereabouts::Pending("m"))
    ];
    let likely = || prop::bool::weighted(0.9);
    let allows = || prop::option::weighted(0.3, prop::bool::weighted(0.8));
    let expires = prop::option::weighted(0.4, prop_oneof![-1..=1i64, 1..200_000i64, DAY..40 * DAY]);
    let standing = (whereabouts, [likely(), likely()], expires, [allows(), allows()]);
    let query = prop_oneof![3 => Just(None), 3 => Just(Some("p")), 2 => Just(Some("q OR (p AND r)")), 1 => Just(Some("p AND"))];
    let permissions = prop::sample::subsequence(vec!["p".to_owned(), "q".into(), "r".into()], 1..=3);
    let state = ((0..3i64, 0..9i64, 0..9i64), prop::option::of(credits()), prop::option::of(0..5i64));
    let limits = (stored(), stored(), requested());
    (standing, query, permissions, limits, state).prop_map(|(standing, query, permissions, limits, state)| {
        let (whereabouts, enabled, expires, lists) = standing;
        World {
            whereabouts,
            enabled,
            expires: expires.map(|offset| NOW + offset),
            lists,
            permissions,
            query,
            key_limits: limits.0,
            identity_limits: limits.1,
            requested: limits.2,
            counted: state.0,
            credits: state.1,
            cost: state.2,
        }
    })
}

fn found() -> impl Strategy<Value = World> {
    worlds().prop_map(|world| World { whereabouts: Whereabouts::Here, ..world })
}

fn is_refusal(row: &&Explanation) -> bool {
    matches!(row.outcome, Outcome::Refused | Outcome::WouldRefuse)
}

/// The rows and the verdict after them.
fn parts(rows: &[Explanation]) -> (&[Explanation], &Explanation) {
    let (verdict, checks) = rows.split_last().unwrap();
    assert_eq!(verdict.step, Step::Verdict);
    (checks, verdict)
}

fn code_of(world: &World) -> Result<Code, Error> {
    if world.is_found() { world.decided(NOW).map(|verdict| verdict.code) } else { Ok(Code::NotFound) }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    #[test]
    fn what_is_explained_is_what_is_decided(world in worlds()) {
        let explained = world.explained();
        let code = explained.clone().map(|rows| parts(&rows).1.code.unwrap());
        prop_assert_eq!(code, code_of(&world));
        let Ok(rows) = explained else { return Ok(()) };
        let (checks, verdict) = parts(&rows);
        prop_assert_eq!(verdict.outcome == Outcome::Passed, verdict.code == Some(Code::Valid));
        prop_assert_eq!(checks.iter().find_map(|row| row.code).unwrap_or(Code::Valid), verdict.code.unwrap());
    }

    #[test]
    fn checks_come_in_order_and_one_of_them_refuses(world in worlds()) {
        let Ok(rows) = world.explained() else { return Ok(()) };
        let (checks, _) = parts(&rows);
        let refused: Vec<Step> =
            checks.iter().filter(|row| row.outcome == Outcome::Refused).map(|row| row.step).collect();
        // Limits are judged together, so several may refuse.
        prop_assert!(refused.iter().all(|step| *step == refused[0]));
        prop_assert!(refused.len() < 2 || refused[0] == Step::Ratelimit);
        let mut steps: Vec<Step> = rows.iter().map(|row| row.step).collect();
        steps.dedup();
        let order = [
            Step::Found, Step::Api, Step::Enabled, Step::Expires, Step::Ip, Step::Permissions, Step::Ratelimit, Step::Credits,
            Step::Verdict,
        ];
        prop_assert_eq!(steps, order);
        let last = checks.iter().rposition(|row| row.outcome == Outcome::Refused);
        for (at, row) in checks.iter().enumerate() {
            let is_reached = matches!(row.outcome, Outcome::Passed | Outcome::Refused);
            let same_group = last.is_some_and(|last| checks[last].step == row.step);
            prop_assert_eq!(is_reached, last.is_none_or(|last| at <= last || same_group));
            prop_assert_eq!(row.code.is_some() || row.clears_at.is_some(), is_refusal(&row) && row.code.is_some());
        }
    }

    #[test]
    fn limits_are_shown_as_they_are_answered(world in found()) {
        let (Ok(rows), Ok(verdict)) = (world.explained(), world.decided(NOW)) else { return Ok(()) };
        let limits = rows.iter().filter(|row| row.step == Step::Ratelimit && row.details.is_some());
        let shown: Vec<serde_json::Value> = limits
            .filter(|row| matches!(row.outcome, Outcome::Passed | Outcome::Refused))
            .map(|row| row.details.clone().unwrap())
            .collect();
        let answered = |state: &LimitState| serde_json::to_value(state).unwrap();
        prop_assert_eq!(shown.len(), verdict.ratelimits.len());
        for (shown, state) in shown.iter().zip(&verdict.ratelimits) {
            for (name, value) in answered(state).as_object().unwrap() {
                prop_assert_eq!(&shown[name], value, "{}", name);
            }
        }
    }

    #[test]
    fn when_all_clears_a_verification_is_valid_and_not_before(world in found()) {
        let Ok(rows) = world.explained() else { return Ok(()) };
        let (checks, verdict) = parts(&rows);
        let valid = |at| world.decided(at).is_ok_and(|verdict| verdict.code == Code::Valid);
        match verdict.clears_at {
            Some(at) => prop_assert!(at > NOW && valid(at) && !valid(at - 1)),
            None if verdict.code == Some(Code::Valid) => prop_assert!(valid(NOW)),
            None => {
                let moments = checks.iter().filter_map(|row| row.clears_at);
                prop_assert!(moments.chain([NOW, NOW + 40 * DAY]).all(|at| !valid(at)));
            }
        }
    }
}

/// A key of which nothing is asked.
static WORLD: World = World {
    whereabouts: Whereabouts::Here,
    enabled: [true; 2],
    expires: None,
    lists: [None; 2],
    permissions: Vec::new(),
    query: None,
    key_limits: Vec::new(),
    identity_limits: Vec::new(),
    requested: Vec::new(),
    counted: (0, 0, 0),
    credits: None,
    cost: None,
};

#[test]
fn a_mistake_that_is_not_reached_is_told_and_not_raised() {
    let requested = vec![RequestedLimit { name: "zzz".into(), cost: None, limit: None, duration: None }];
    let elsewhere = Whereabouts::OtherApi("api_2");
    let world = World { whereabouts: elsewhere, query: Some("p AND"), requested, ..WORLD.clone() };
    let rows = world.explained().unwrap();
    let told = |step| rows.iter().find(|row| row.step == step).map(|row| (row.outcome, row.code)).unwrap();
    assert_eq!(told(Step::Found), (Outcome::Refused, Some(Code::NotFound)));
    assert_eq!(told(Step::Permissions), (Outcome::WouldRefuse, None));
    assert_eq!(told(Step::Ratelimit), (Outcome::WouldRefuse, None));
    assert_eq!(told(Step::Verdict), (Outcome::Refused, Some(Code::NotFound)));
    let here = World { whereabouts: Whereabouts::Here, ..world };
    assert!(here.explained().unwrap_err().message.contains("not a valid query"));
    let reached = World { query: None, ..here };
    assert!(reached.explained().unwrap_err().message.contains("zzz"));
}

#[test]
fn a_permission_says_where_it_comes_from() {
    let subject = Subject {
        api_enabled: true,
        enabled: true,
        expires: None,
        allowlists: [&[], &[]],
        permissions: &["a".into(), "b".into(), "c".into()],
        limits: Owned { key_id: "key_1", key: &[], identity_id: "", identity: &[] },
        automatic: &[],
        metered: false,
    };
    let grant = |slug: &str, direct, roles: &[&str]| Grant {
        slug: slug.into(),
        direct,
        roles: roles.iter().map(|&role| role.into()).collect(),
    };
    let grants =
        [grant("a", true, &[]), grant("b", false, &["editor", "owner"]), grant("c", true, &["owner"])];
    let permissions = Some("a and (b or d) and c");
    let request = Request { permissions, cost: None, ratelimits: &[], ip: None, now: NOW };
    let found = Found { key: None, whereabouts: Whereabouts::Here };
    let case = Case { found, subject: Some(subject), request, grants: &grants };
    let rows = explain(&case, &mut WORLD.state(NOW)).unwrap();
    let row = rows.iter().find(|row| row.step == Step::Permissions).unwrap();
    assert_eq!(
        row.message,
        "a AND (b OR d) AND c: a is held directly, b is held by role editor, owner, c is held directly and by role owner, d is missing."
    );
    assert_eq!(row.outcome, Outcome::Passed);
}
