//! `analytics.*`.
