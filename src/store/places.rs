//! Where events go: the partitions of their days, as far as the roll-ups have not been there.

use std::collections::BTreeSet;
use std::ffi::CString;

use serde::Deserialize;

use super::statement::{View, arg, row};
use crate::error::Outcome;

/// Where events of some days may go now; by default only to the queues.
#[derive(Default, Deserialize)]
pub struct Places {
    /// From here on nothing is rolled up yet; `None` if everything is.
    pub until: Option<i64>,
    pub verifications: Vec<Partition>,
    pub bursts: Vec<Partition>,
    pub ratelimits: Vec<Partition>,
}

#[derive(Deserialize)]
pub struct Partition {
    /// Of its events, counted from the Unix epoch.
    pub day: i64,
    name: Option<String>,
}

impl Partition {
    /// Its name, if it is for this day as a whole and nothing else.
    pub fn name(&self) -> Option<CString> {
        CString::new(self.name.as_deref()?).ok()
    }
}

const DAY: i64 = 24 * 60 * 60 * 1000;

/// The day of a time, counted from the Unix epoch.
pub fn day(time: i64) -> i64 {
    time.div_euclid(DAY)
}

impl Places {
    /// Of these days.
    pub fn of(days: BTreeSet<i64>) -> Outcome<Self> {
        let places = row(
            View::Latest,
            "SELECT pg_catalog.json_build_object(
                'until', (SELECT unkey.to_ms(until) FROM unkey.rolled_up),
                'verifications', coalesce(pg_catalog.json_agg(place) FILTER (WHERE parent = 'verification_events'), '[]'),
                'bursts', coalesce(pg_catalog.json_agg(place) FILTER (WHERE parent = 'verification_bursts'), '[]'),
                'ratelimits', coalesce(pg_catalog.json_agg(place) FILTER (WHERE parent = 'ratelimit_events'), '[]'))
            FROM (
                SELECT parent, pg_catalog.json_build_object('day', date - DATE '1970-01-01', 'name', CASE
                    (SELECT pg_catalog.pg_get_expr(relpartbound, oid) FROM pg_catalog.pg_class
                     WHERE oid = pg_catalog.to_regclass(pg_catalog.format('unkey.%I', name)))
                    WHEN pg_catalog.format('FOR VALUES FROM (%L) TO (%L)',
                        date::timestamp AT TIME ZONE 'UTC', (date + 1)::timestamp AT TIME ZONE 'UTC') THEN name END) AS place
                FROM (SELECT *, pg_catalog.to_date(day, 'YYYYMMDD') AS date FROM unkey.event_partitions) AS known
                WHERE date - DATE '1970-01-01' = ANY ($1)
            ) AS partition",
            &[arg(days.into_iter().collect::<Vec<i64>>())],
        )?;
        Ok(places.unwrap_or(Self {
            until: None,
            verifications: Vec::new(),
            bursts: Vec::new(),
            ratelimits: Vec::new(),
        }))
    }
}
