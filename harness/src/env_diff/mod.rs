//! The environments that two gateways or models make of one request, side by side.
//!
//! ```text
//!  nginx:fastcgi ─ started, with the probe ─┐
//!  http://… ────── a probe that runs ───────┼──▶ Environ A, B ──compare──▶ Row ──▶ text, JSON
//!  capture, JSON ─ a file ──────────────────┘                    notice
//! ```

mod compare;
mod notice;
mod source;

pub use compare::{Difference, Row, compare, text};
pub use source::{Ask, Source};

use serde::Serialize;

/// What an application got of one request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Environ {
    /// Whose it is, for people.
    pub of: String,
    /// Names and values in order, duplicates kept.
    pub variables: Vec<(String, String)>,
    /// Octets of body that arrived, where that is known.
    pub body: Option<u64>,
}
