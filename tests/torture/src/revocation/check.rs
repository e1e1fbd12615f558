//! Holds every answer against the histories.

use std::collections::BTreeMap;
use std::fmt;

use super::model::{Answer, Api, Code, Key, answer};
use super::readers::Observation;
use crate::history::History;

pub struct Histories {
    pub keys: Vec<History<Key>>,
    pub shared_role: History<u8>,
    pub api: History<Api>,
    pub meta: History<u32>,
}

#[derive(Debug, Default)]
pub struct Report {
    pub violations: usize,
    answers: usize,
    changes: usize,
    /// Answers of which only one can have been true.
    certain: usize,
    /// Answers from what a session kept; without preload only this session's are known.
    pub hits: u64,
    codes: BTreeMap<Code, usize>,
    first: Vec<String>,
}

/// Violations that are shown.
const SHOWN: usize = 5;

pub fn check(histories: &Histories, observations: &[Observation]) -> Report {
    let changes = histories.keys.iter().map(History::changes).sum::<usize>()
        + histories.shared_role.changes()
        + histories.api.changes()
        + histories.meta.changes();
    let mut report = Report { answers: observations.len(), changes, ..Report::default() };
    for observation in observations {
        let possible = possible(histories, observation);
        *report.codes.entry(observation.answer.code).or_default() += 1;
        report.certain += usize::from(possible.iter().all(|answer| *answer == possible[0]));
        if !possible.contains(&observation.answer) {
            report.violations += 1;
            if report.first.len() < SHOWN {
                report.first.push(format!("{observation:?}\n    but: {possible:?}"));
            }
        }
    }
    report
}

/// Every answer that can have been true.
fn possible(histories: &Histories, observation: &Observation) -> Vec<Answer> {
    let Observation { slot, asked, floor, seen, own, .. } = observation;
    let keys: Vec<&Key> = match own {
        Some(key) => vec![key],
        None => histories.keys[*slot].possible(*floor, *seen).collect(),
    };
    let roles = histories.shared_role.possible(*floor, *seen);
    let apis = histories.api.possible(*floor, *seen);
    let metas = histories.meta.possible(*floor, *seen);
    let mut answers = Vec::new();
    for key in keys {
        for role in roles.clone() {
            for api in apis.clone() {
                answers.extend(metas.clone().map(|meta| answer(key, *role, *api, *meta, *asked)));
            }
        }
    }
    answers
}

impl Report {
    /// Why the run proves too little.
    pub fn complaint(&self) -> Option<String> {
        let missing: Vec<_> = Code::ALL
            .iter()
            .filter(|(code, _)| !self.codes.contains_key(code))
            .map(|(_, word)| *word)
            .collect();
        if !missing.is_empty() {
            return Some(format!("nobody was answered {}", missing.join(", ")));
        }
        (self.certain * 2 < self.answers).then(|| "most answers could have been this or that".to_owned())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let share = 100.0 * self.certain as f64 / self.answers.max(1) as f64;
        writeln!(
            f,
            "{} answers ({} from a cache) during {} changes, {share:.1} % with one that can be true; {} violations",
            self.answers, self.hits, self.changes, self.violations
        )?;
        let words = Code::ALL
            .iter()
            .map(|(code, word)| format!("{word} {}", self.codes.get(code).copied().unwrap_or(0)));
        write!(f, "    {}", words.collect::<Vec<_>>().join(", "))?;
        self.first.iter().try_for_each(|violation| write!(f, "\n    {violation}"))
    }
}
