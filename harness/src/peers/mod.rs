//! `gatebench bench --profile peers`: gateserve beside what people would use instead, row by row
//! against its targets.
//!
//! ```text
//!  table ──▶ start (lane: gateway + server) ──▶ trial (load, start, memory) ──▶ Sample ─┐
//!    rows, targets                     rounds: the lanes take turns                     ├─▶ judge ──▶ report
//!    └──────────────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! A heat is a set of lanes that take turns under the same load; its rows compare one lane of it
//! with others, round by round, so that what else the machine does cancels out.

mod asks;
mod judge;
mod lane;
mod responder;
mod run;
mod sample;
mod start;
mod table;
mod text;
mod trial;

pub use judge::{Outcome, Verdict};
pub use run::{Settings, profile};
pub use sample::{LaneResult, Sample};
pub use table::{HEATS, Heat};
pub use text::{markdown, terminal};

use serde::Serialize;

use crate::results::Environment;

/// What a run of the profile found.
#[derive(Clone, Debug, Serialize)]
pub struct Profile {
    /// The machine.
    pub environment: Environment,
    /// Names and versions of what took part.
    pub versions: Vec<(String, String)>,
    /// Seconds of load in each round.
    pub seconds: f64,
    /// Rounds asked for.
    pub rounds: u32,
    /// Each heat.
    pub heats: Vec<HeatResult>,
}

/// What one heat found.
#[derive(Clone, Debug, Serialize)]
pub struct HeatResult {
    /// Its name on the command line.
    pub id: &'static str,
    /// What it is about.
    pub title: &'static str,
    /// What each lane showed, round by round.
    pub lanes: Vec<LaneResult>,
    /// Its rows, held against their targets.
    pub rows: Vec<Outcome>,
}
