//! From memory into the tables of analytics.
//!
//! An event goes straight into the partition of its day, alone or with others ([`bursts`]). Those at which the roll-ups have already been go to the queue
//! instead, and so do those whose day has no partition: `unkey.maintain()` knows what to do about either.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::CStr;
use std::rc::Rc;

use super::append::{Column, Kind, Row, Target, append, column, is_plain, optional};
use super::bursts;
use super::event_bytes::{Limit, Record, Verification, request_id};
use super::events::LATEST;
use super::lock;
use super::places::{Partition, Places, day};
use super::session::role_name;
use crate::clock;
use crate::error::Outcome;

/// Makes this transaction the only one that writes events from memory; `false` if another one is.
pub fn lock() -> bool {
    lock::take("memory", false)
}

/// Events of one kind by where they go.
struct Sorted<'a, T> {
    /// For each partition of the table those that are its.
    ready: Vec<(&'a Partition, Vec<&'a T>)>,
    late: Vec<&'a T>,
}

impl<'a, T> Sorted<'a, T> {
    fn of(
        events: impl Iterator<Item = (i64, &'a T)>,
        partitions: &'a [Partition],
        until: Option<i64>,
    ) -> Self {
        let mut sorted =
            Self { ready: partitions.iter().map(|place| (place, Vec::new())).collect(), late: Vec::new() };
        for (time, event) in events {
            let is_new = until.is_some_and(|until| time >= until);
            let place = sorted.ready.iter_mut().find(|(partition, _)| is_new && partition.day == day(time));
            place.map_or(&mut sorted.late, |(_, events)| events).push(event);
        }
        sorted
    }

    /// Appends them to a table with partitions and to a queue; answers how many went into partitions.
    fn append(
        &self,
        table: &'static CStr,
        queue: &'static CStr,
        columns: &[Column],
        write: impl Fn(&mut dyn Row, &T),
    ) -> Outcome<u64> {
        let mut moved = 0;
        for (partition, events) in &self.ready {
            let name = partition.name();
            let target = Target { table, partition: name.as_deref() };
            append(&target, columns, events.iter().copied(), &write)?;
            moved += events.len() as u64;
        }
        append(&Target { table: queue, partition: None }, columns, self.late.iter().copied(), &write)?;
        Ok(moved)
    }
}

impl Sorted<'_, Verification<'_>> {
    /// Writes the bursts among them; answers how many verifications that were. Whoever gave the table of events something of
    /// their own, such as a trigger, has every event in it.
    fn take_bursts(&mut self, partitions: &[Partition], roles: &Roles) -> Outcome<u64> {
        let mut taken = 0;
        for (partition, events) in &mut self.ready {
            let of_day = partitions.iter().find(|bursts| bursts.day == partition.day);
            let names = partition.name().zip(of_day.and_then(Partition::name));
            let Some((name, bursts_name)) = names else { continue };
            let target = Target { table: c"verification_events", partition: Some(&name) };
            if !is_plain(&target, &VERIFICATION)? {
                continue;
            }
            let before = events.len();
            let (bursts, others) = bursts::gather(std::mem::take(events));
            *events = others;
            let target = Target { table: c"verification_bursts", partition: Some(&bursts_name) };
            append(&target, &bursts::COLUMNS, bursts.iter(), |row, burst| {
                let role = burst.first().map_or_else(|| "".into(), |event| roles.name(event.role));
                bursts::put(row, burst, &role);
            })?;
            taken += (before - events.len()) as u64;
        }
        Ok(taken)
    }
}

/// Writes events; answers how many went into partitions.
pub fn write(records: &[Record]) -> Outcome<u64> {
    let times = records.iter().map(|record| match record {
        Record::Verification(event) => event.time,
        Record::Limit(event) => event.time,
    });
    write_to(&Places::of(times.map(day).collect())?, records)
}

/// Writes events to the queues.
pub fn enqueue(records: &[Record]) -> Outcome<u64> {
    write_to(&Places::default(), records)
}

fn write_to(places: &Places, records: &[Record]) -> Outcome<u64> {
    let verifications = || records.iter().filter_map(Record::verification).map(|event| (event.time, event));
    let limits = || records.iter().filter_map(Record::limit).map(|event| (event.time, event));
    let roles = Roles::default();
    let mut sorted = Sorted::of(verifications(), &places.verifications, places.until);
    let bursts = sorted.take_bursts(&places.bursts, &roles)?;
    let events =
        sorted.append(c"verification_events", c"verification_queue", &VERIFICATION, |row, event| {
            put_verification(row, event, &roles)
        })?;
    let limits = Sorted::of(limits(), &places.ratelimits, places.until).append(
        c"ratelimit_events",
        c"ratelimit_queue",
        &LIMIT,
        put_limit,
    )?;
    Ok(bursts + events + limits)
}

/// Names of roles by their numbers, each looked up once.
#[derive(Default)]
struct Roles(RefCell<HashMap<u32, Rc<str>>>);

impl Roles {
    fn name(&self, role: u32) -> Rc<str> {
        self.0.borrow_mut().entry(role).or_insert_with(|| role_name(role.into()).into()).clone()
    }
}

const VERIFICATION: [Column; 14] = [
    column(c"request_id", Kind::Text),
    column(c"time", Kind::Instant),
    column(c"key_space_id", Kind::Text),
    column(c"api_id", Kind::Text),
    column(c"key_id", Kind::Text),
    optional(c"identity_id", Kind::Text),
    optional(c"external_id", Kind::Text),
    column(c"outcome", Kind::Text),
    column(c"region", Kind::Text),
    column(c"tags", Kind::Texts),
    column(c"spent_credits", Kind::Long),
    column(c"latency", Kind::Double),
    column(c"source", Kind::Text),
    column(c"role", Kind::Text),
];

fn put_verification(row: &mut dyn Row, event: &Verification, roles: &Roles) {
    put_request_id(row, event.request_id, event.time);
    row.instant(clock::to_microseconds(event.time));
    row.text(event.key_space_id);
    row.text(event.api_id);
    row.text(event.key_id);
    row.optional(event.identity_id);
    row.optional(event.external_id);
    row.text(event.outcome);
    row.text("");
    row.texts(&event.tags.iter().map(Some).collect::<Vec<_>>());
    row.long(event.spent_credits);
    row.double(event.latency_ms);
    row.text(event.source());
    row.text(&roles.name(event.role));
}

const LIMIT: [Column; 11] = [
    column(c"request_id", Kind::Text),
    column(c"time", Kind::Instant),
    column(c"namespace_id", Kind::Text),
    column(c"identifier", Kind::Text),
    column(c"passed", Kind::Boolean),
    column(c"latency", Kind::Double),
    optional(c"override_id", Kind::Text),
    column(c"limit", Kind::Long),
    column(c"remaining", Kind::Long),
    column(c"reset_at", Kind::Instant),
    column(c"tokens", Kind::Long),
];

fn put_limit(row: &mut dyn Row, event: &Limit) {
    put_request_id(row, event.request_id, event.time);
    row.instant(clock::to_microseconds(event.time));
    row.text(event.namespace_id);
    row.text(event.identifier);
    row.boolean(event.passed);
    row.double(event.latency_ms);
    row.optional(event.override_id);
    row.long(event.limit);
    row.long(event.remaining);
    row.instant(clock::to_microseconds(event.reset.min(LATEST)));
    row.long(event.tokens);
}

fn put_request_id(row: &mut dyn Row, given: Option<&str>, time: i64) {
    match given {
        Some(id) => row.text(id),
        None => row.text(&request_id(time)),
    }
}
