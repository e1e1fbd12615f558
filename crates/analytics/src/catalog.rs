//! What there is to query: the views of schema `unkey`, with their columns.

use crate::types::Kind::{self, Array, Bool, Number, Text, Time};

/// Which family of tables a query reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dataset {
    /// Verifications of keys.
    Verifications,
    /// Calls of the standalone rate limiter.
    Ratelimits,
}

/// A view.
#[derive(Debug)]
pub struct Table {
    /// Its name, here and in schema `unkey`.
    pub name: &'static str,
    /// Its columns in order.
    pub columns: &'static [(&'static str, Kind)],
}

const VERIFICATIONS: &[(&str, Kind)] = &[
    ("request_id", Text),
    ("time", Time),
    ("workspace_id", Text),
    ("key_space_id", Text),
    ("api_id", Text),
    ("key_id", Text),
    ("identity_id", Text),
    ("external_id", Text),
    ("outcome", Text),
    ("region", Text),
    ("tags", Array),
    ("spent_credits", Number),
    ("latency", Number),
    ("source", Text),
];

const VERIFICATIONS_PER: &[(&str, Kind)] = &[
    ("time", Time),
    ("workspace_id", Text),
    ("key_space_id", Text),
    ("api_id", Text),
    ("identity_id", Text),
    ("external_id", Text),
    ("key_id", Text),
    ("outcome", Text),
    ("tags", Array),
    ("count", Number),
    ("spent_credits", Number),
];

const RATELIMITS: &[(&str, Kind)] = &[
    ("request_id", Text),
    ("time", Time),
    ("workspace_id", Text),
    ("namespace_id", Text),
    ("identifier", Text),
    ("passed", Bool),
    ("latency", Number),
    ("override_id", Text),
    ("limit", Number),
    ("remaining", Number),
    ("reset_at", Time),
    ("tokens", Number),
];

const RATELIMITS_PER: &[(&str, Kind)] = &[
    ("time", Time),
    ("workspace_id", Text),
    ("namespace_id", Text),
    ("identifier", Text),
    ("passed", Number),
    ("total", Number),
    ("passed_tokens", Number),
    ("total_tokens", Number),
];

const VERIFICATION_TABLES: &[Table] = &[
    Table { name: "key_verifications_v1", columns: VERIFICATIONS },
    Table { name: "key_verifications_per_minute_v1", columns: VERIFICATIONS_PER },
    Table { name: "key_verifications_per_hour_v1", columns: VERIFICATIONS_PER },
    Table { name: "key_verifications_per_day_v1", columns: VERIFICATIONS_PER },
    Table { name: "key_verifications_per_month_v1", columns: VERIFICATIONS_PER },
];

const RATELIMIT_TABLES: &[Table] = &[
    Table { name: "ratelimits_v1", columns: RATELIMITS },
    Table { name: "ratelimits_per_minute_v1", columns: RATELIMITS_PER },
    Table { name: "ratelimits_per_hour_v1", columns: RATELIMITS_PER },
    Table { name: "ratelimits_per_day_v1", columns: RATELIMITS_PER },
    Table { name: "ratelimits_per_month_v1", columns: RATELIMITS_PER },
];

impl Dataset {
    /// Its tables.
    pub const fn tables(self) -> &'static [Table] {
        match self {
            Self::Verifications => VERIFICATION_TABLES,
            Self::Ratelimits => RATELIMIT_TABLES,
        }
    }

    /// The column that says to whom a row belongs.
    pub const fn owner_column(self) -> &'static str {
        match self {
            Self::Verifications => "key_space_id",
            Self::Ratelimits => "namespace_id",
        }
    }

    /// The table of this name; letters of either case.
    pub fn table(self, name: &str) -> Option<&'static Table> {
        self.tables().iter().find(|table| table.name.eq_ignore_ascii_case(name))
    }
}
