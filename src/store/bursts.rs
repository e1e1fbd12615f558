//! Verifications that have nearly everything in common: a row for all of them costs the worker a fraction of a row for each.
//!
//! Only those of one millisecond share a row, so that whoever asks for a time reads what belongs to it and nothing else.
//! It takes some ten thousand verifications a second until they are enough; below that every one has a row of its own.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::append::{Column, Kind, Row, column, optional};
use super::event_bytes::{Tags, Verification, request_id};
use super::value::element_bytes;
use crate::clock;

/// Fewer are no burst.
const LEAST: usize = 16;
/// Bytes that a row should not exceed: two fit into a page, and `unkey.make_event_partition` sees to it that none is taken apart.
const ROW_BYTES: usize = 4000;

/// Verifications, one after the other.
pub type Events<'a, 'b> = Vec<&'a Verification<'b>>;

/// What those of a row have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Common<'a> {
    time: i64,
    key_space_id: &'a str,
    api_id: &'a str,
    outcome: &'a str,
    tags: Tags<'a>,
    spent_credits: i64,
    is_api: bool,
    role: u32,
    /// The id of the call, if one call verified them all.
    call: Option<&'a str>,
}

impl<'a> Common<'a> {
    fn of(event: &Verification<'a>) -> Self {
        Self {
            time: event.time,
            key_space_id: event.key_space_id,
            api_id: event.api_id,
            outcome: event.outcome,
            tags: event.tags,
            spent_credits: event.spent_credits,
            is_api: event.is_api,
            role: event.role,
            call: call(event),
        }
    }

    /// About as many as this takes in a row.
    fn bytes(&self) -> usize {
        const NUMBERS_AND_HEADERS: usize = 256;
        let texts = [self.key_space_id, self.api_id, self.outcome];
        NUMBERS_AND_HEADERS
            + texts
                .iter()
                .chain(&self.tags.iter().collect::<Vec<_>>())
                .map(|text| 8 + text.len())
                .sum::<usize>()
    }
}

/// The v2 dialect gives each verification an id; a call in SQL that verifies several has one for all of them.
fn call<'a>(event: &Verification<'a>) -> Option<&'a str> {
    event.request_id.filter(|_| !event.is_api)
}

/// Takes the bursts out of what happened in a day; answers them and the others.
pub fn gather<'a, 'b>(events: Events<'a, 'b>) -> (Vec<Events<'a, 'b>>, Events<'a, 'b>) {
    let mut known = HashMap::new();
    let mut groups: Vec<(Common, Events)> = Vec::new();
    let mut last = 0;
    for event in events {
        // Mostly that of the one before, in whose record it stood.
        if let Some((of, group)) = groups.get_mut(last)
            && std::ptr::eq(of.api_id, event.api_id)
        {
            group.push(event);
            continue;
        }
        let common = Common::of(event);
        if groups.get(last).is_none_or(|(of, _)| *of != common) {
            last = *known.entry(common).or_insert(groups.len());
            if last == groups.len() {
                groups.push((common, Vec::new()));
            }
        }
        groups.get_mut(last).into_iter().for_each(|(_, group)| group.push(event));
    }
    let (mut bursts, mut others) = (Vec::new(), Vec::new());
    for (common, group) in groups {
        if group.len() < LEAST {
            others.extend(group);
        } else {
            cut(&common, &group, &mut bursts);
        }
    }
    // Pages get fuller if the ends of bursts come last.
    bursts.sort_by_key(|burst| Reverse(burst.len()));
    (bursts, others)
}

/// Cuts a burst into rows.
fn cut<'a, 'b>(common: &Common, group: &[&'a Verification<'b>], bursts: &mut Vec<Events<'a, 'b>>) {
    // Long tags had better be there once and be taken apart than be there for each.
    let room = ROW_BYTES.saturating_sub(common.bytes()).max(ROW_BYTES / 2);
    let (mut row, mut bytes) = (Vec::new(), 0);
    for event in group {
        let own = bytes_of(event);
        if bytes + own > room && !row.is_empty() {
            bursts.push(std::mem::take(&mut row));
            bytes = 0;
        }
        row.push(*event);
        bytes += own;
    }
    bursts.push(row);
}

/// Bytes of what is an event's own.
fn bytes_of(event: &Verification) -> usize {
    let texts = [Some(event.key_id), event.identity_id, event.external_id, own_request_id(event)];
    size_of::<f64>() + texts.into_iter().flatten().map(element_bytes).sum::<usize>()
}

pub const COLUMNS: [Column; 15] = [
    column(c"time", Kind::Instant),
    column(c"key_space_id", Kind::Text),
    column(c"api_id", Kind::Text),
    column(c"outcome", Kind::Text),
    column(c"tags", Kind::Texts),
    column(c"spent_credits", Kind::Long),
    column(c"source", Kind::Text),
    column(c"role", Kind::Text),
    column(c"is_one_call", Kind::Boolean),
    column(c"request_id", Kind::Text),
    optional(c"request_ids", Kind::Texts),
    column(c"key_ids", Kind::Texts),
    optional(c"identity_ids", Kind::Texts),
    optional(c"external_ids", Kind::Texts),
    column(c"latencies", Kind::Doubles),
];

/// Adds the columns of a burst; `role` is the name of the one who asked.
pub fn put(row: &mut dyn Row, burst: &[&Verification], role: &str) {
    let Some(first) = burst.first() else { return };
    row.instant(clock::to_microseconds(first.time));
    row.text(first.key_space_id);
    row.text(first.api_id);
    row.text(first.outcome);
    row.texts(&first.tags.iter().map(Some).collect::<Vec<_>>());
    row.long(first.spent_credits);
    row.text(first.source());
    row.text(role);
    let call = call(first);
    row.boolean(call.is_some());
    row.text(call.unwrap_or(&request_id(first.time)));
    put_texts(row, burst.iter().map(|event| own_request_id(event)));
    put_texts(row, burst.iter().map(|event| Some(event.key_id)));
    put_texts(row, burst.iter().map(|event| event.identity_id));
    put_texts(row, burst.iter().map(|event| event.external_id));
    row.doubles(&burst.iter().map(|event| event.latency_ms).collect::<Vec<_>>());
}

fn own_request_id<'a>(event: &Verification<'a>) -> Option<&'a str> {
    event.request_id.filter(|_| event.is_api)
}

/// An array, or NULL if it has nothing but NULLs.
fn put_texts<'a>(row: &mut dyn Row, texts: impl Iterator<Item = Option<&'a str>>) {
    let texts: Vec<_> = texts.collect();
    if texts.iter().any(Option::is_some) { row.texts(&texts) } else { row.optional(None) }
}
