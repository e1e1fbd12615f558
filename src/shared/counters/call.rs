//! One call: all its counters are found, judged and counted together.

use smallvec::SmallVec;
use unkey_core::limits::CounterKey;
use unkey_core::ratelimit::{Batch, Check, Counter, Standing, Window, outcomes, pass};
use unkey_core::slots::{self, Key, Placed};
use unkey_core::verdict::Take;

use super::super::events::pool::{self, Shared};
use super::undo::{self, Taken};
use super::{Locked, Memory, Mode, PARTITIONS, Stat, database, stats};

/// So few that most calls allocate nothing; more would be moved about with every call.
type Few<T> = SmallVec<[T; 2]>;

/// The takes of a call, and how far they have got.
pub struct Call<'a> {
    /// Each counter once.
    wanted: Few<Wanted<'a>>,
    /// How each of them stands.
    standings: Few<Standing>,
    checks: Few<Check>,
    now: i64,
}

/// One counter of a call.
pub struct Wanted<'a> {
    pub counter: &'a CounterKey,
    key: Key,
    /// Whether the call has a cost for it.
    counts: bool,
    /// What is known of it from elsewhere; `None` if nobody has looked.
    known: Option<Window>,
    /// Whether it is counted in the table, where this transaction has locked it.
    in_table: bool,
    /// Its place in its partition, if it is here.
    slot: Option<usize>,
}

/// How an attempt ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Attempt {
    /// All is judged, and counted if it passed.
    Judged(bool),
    /// Some counters are not here, and nobody has looked elsewhere.
    Unknown,
    /// There is no room for counters that are missing.
    Full,
}

impl Wanted<'_> {
    /// Says what was found elsewhere.
    pub fn know(&mut self, window: Window) {
        self.known = Some(window);
    }

    /// Says that it is counted in the table, and what was found there.
    pub fn count_in_table(&mut self, window: Window, now: i64) {
        self.in_table = true;
        self.known = Some(window.merged(self.known.unwrap_or_default(), now, self.key.duration));
    }

    /// Whether it can be counted here if there is room.
    fn is_missing(&self) -> bool {
        !self.in_table && self.slot.is_none()
    }

    fn partition(&self) -> usize {
        self.key.partition(PARTITIONS)
    }
}

impl<'a> Call<'a> {
    /// The takes of a call.
    pub fn new(takes: &'a [Take<'a>], now: i64) -> Self {
        let mut call = Self { wanted: Few::new(), standings: Few::new(), checks: Few::new(), now };
        for take in takes {
            let counter = call.want(take.counter, take.cost > 0);
            call.checks.push(Check { counter, limit: take.limit, cost: take.cost });
        }
        call
    }

    /// What only makes sure that counters have room.
    pub fn of(counters: impl Iterator<Item = &'a CounterKey>, now: i64) -> Self {
        Self::without_takes(counters, true, now)
    }

    /// What only looks at counters.
    pub fn look(counters: impl Iterator<Item = &'a CounterKey>, now: i64) -> Self {
        Self::without_takes(counters, false, now)
    }

    fn without_takes(counters: impl Iterator<Item = &'a CounterKey>, counts: bool, now: i64) -> Self {
        let mut call = Self { wanted: Few::new(), standings: Few::new(), checks: Few::new(), now };
        counters.for_each(|counter| call.push(counter, counts));
        call
    }

    fn want(&mut self, counter: &'a CounterKey, counts: bool) -> usize {
        if let Some(at) = self.wanted.iter().position(|wanted| wanted.key.id == counter.id()) {
            self.wanted[at].counts |= counts;
            return at;
        }
        self.push(counter, counts);
        self.wanted.len() - 1
    }

    fn push(&mut self, counter: &'a CounterKey, counts: bool) {
        let key = Key { database: database(), id: counter.id(), duration: counter.duration };
        self.wanted.push(Wanted { counter, key, counts, known: None, in_table: false, slot: None });
        let empty = Counter { duration: counter.duration, window: Window::default() };
        self.standings.push(Standing::at(&empty, self.now));
    }

    /// Says that time went by while a counter in the table was waited for.
    pub fn judge_at(&mut self, now: i64) {
        self.now = now;
    }

    /// All counters.
    pub fn counters(&mut self) -> impl Iterator<Item = &mut Wanted<'a>> {
        self.wanted.iter_mut()
    }

    /// The counters of which nothing is known.
    pub fn unknown(&mut self) -> impl Iterator<Item = &mut Wanted<'a>> {
        self.wanted.iter_mut().filter(|wanted| wanted.is_missing() && wanted.known.is_none())
    }

    /// The counters that would count, but have no slot.
    pub fn without_slot(&mut self) -> impl Iterator<Item = &mut Wanted<'a>> {
        self.wanted.iter_mut().filter(|wanted| wanted.is_missing() && wanted.counts)
    }

    /// The counters that are counted in the table, and their windows if the call passed.
    pub fn counted_in_table(&self) -> impl Iterator<Item = (&'a CounterKey, Window)> {
        let all = self.wanted.iter().zip(&self.standings);
        all.filter(|(wanted, standing)| wanted.in_table && standing.cost() > 0)
            .map(|(wanted, standing)| (wanted.counter, standing.counted()))
    }

    /// The windows of all counters in their order, as far as they got.
    pub fn windows(&self) -> impl Iterator<Item = Window> {
        self.standings.iter().map(Standing::counted)
    }

    /// What became of each take.
    pub fn batch(&self, passed: bool) -> Batch {
        Batch { passed, outcomes: outcomes(&self.checks, &self.standings, passed, self.now) }
    }

    fn find(&mut self, locked: &Locked) {
        for wanted in self.wanted.iter_mut().filter(|wanted| !wanted.in_table) {
            wanted.slot = slots::find(locked.slots(wanted.partition()), &wanted.key);
        }
    }

    /// Gives slots to all counters that need one, as far as there is room: a counter that has found room is never counted
    /// elsewhere. Answers whether all have.
    fn place(&mut self, locked: &mut Locked, placed: &mut Few<Placed>) -> bool {
        for wanted in self.wanted.iter_mut().filter(|wanted| wanted.is_missing() && wanted.counts) {
            let known = wanted.known.unwrap_or_default();
            let slots = locked.slots_mut(wanted.partition());
            let Some(new) = slots::place(slots, &wanted.key, known, self.now) else { continue };
            wanted.slot = Some(new.at);
            placed.push(new);
        }
        self.without_slot().next().is_none()
    }

    fn judge(&mut self, locked: &Locked) -> bool {
        for (wanted, standing) in self.wanted.iter().zip(&mut self.standings) {
            let slot = wanted.slot.and_then(|at| locked.slots(wanted.partition()).get(at));
            let known = Counter { duration: wanted.key.duration, window: wanted.known.unwrap_or_default() };
            *standing = Standing::at(&slot.map_or(known, |slot| slot.counter()), self.now);
        }
        pass(&self.checks, &mut self.standings)
    }

    fn count(&self, locked: &mut Locked) {
        for (wanted, standing) in self.counted() {
            let slots = locked.slots_mut(wanted.partition());
            if let Some(slot) = wanted.slot.and_then(|at| slots.get_mut(at)) {
                slot.count(standing.counted());
            }
        }
    }

    /// What is counted in slots.
    fn counted(&self) -> impl Iterator<Item = (&Wanted<'a>, &Standing)> {
        let all = self.wanted.iter().zip(&self.standings);
        all.filter(|(wanted, standing)| wanted.slot.is_some() && standing.cost() > 0)
    }
}

impl Memory {
    /// Judges all takes of a call together and counts them if they pass. What it counts is given back if the transaction
    /// or subtransaction aborts.
    pub fn attempt(&self, call: &mut Call) -> Attempt {
        undo::prepare(call.wanted.len());
        let mut placed = Few::with_capacity(call.wanted.len());
        let here = || call.wanted.iter().filter(|wanted| !wanted.in_table);
        let mode = if here().any(|wanted| wanted.counts) { Mode::Change } else { Mode::Look };
        let mut locked = self.lock(here().map(Wanted::partition), mode);
        call.find(&locked);
        if call.unknown().next().is_some() {
            return Attempt::Unknown;
        }
        let is_full = !call.place(&mut locked, &mut placed);
        let passed = !is_full && call.judge(&locked);
        if passed {
            call.count(&mut locked);
        }
        drop(locked);
        note_placed(&placed);
        if is_full {
            return Attempt::Full;
        }
        if passed {
            self.remember(call);
        }
        Attempt::Judged(passed)
    }

    fn remember(&self, call: &Call) {
        for (wanted, standing) in call.counted() {
            let slot = wanted.partition() * self.each + wanted.slot.unwrap_or_default();
            let (seq, cost) = (standing.counted().seq, standing.cost());
            undo::remember(Taken::new(slot, wanted.key, seq, cost));
        }
    }
}

fn note_placed(placed: &[Placed]) {
    if !placed.is_empty() {
        // Somebody has to save it; who records events asks for a worker, but nobody may.
        pool::get().into_iter().for_each(Shared::want_worker_here);
        let reused = placed.iter().filter(|placed| placed.is_reuse).count() as u64;
        stats::add(Stat::CounterReuses, reused);
        stats::add(Stat::CounterSlots, placed.len() as u64 - reused);
    }
}
