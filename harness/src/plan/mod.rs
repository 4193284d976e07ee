//! Capacity: how many processes, cores and how much memory a rate needs, from what a request was
//! measured to cost.
//!
//! ```text
//! results.json ─costs─▶ Costs ─size─▶ Plan ─text─▶ table
//!                              │ asks again and again
//!                              ▼
//!                           simulate: requests, cores, workers
//!                              │ for each point of a measured sweep
//!                              ▼
//!                            held: predicted and measured
//! ```
//!
//! The model: a request takes CPU time of the gateway, then a worker of the application server (CGI:
//! a process of its own), in which it takes CPU time and may wait. Whatever computes at a moment
//! shares the cores evenly. Requests come at random, independent of each other.

mod costs;
mod held;
mod simulate;
mod size;
mod text;

pub use self::costs::{Costs, Missing, Want, of_results};
pub use self::held::{Held, Pair, errors, hold, predict, told, usable};
pub use self::simulate::{Demand, Load, Observed, Shape, simulate};
pub use self::size::{Goal, Plan, Refusal, size};
pub use self::text::table;
