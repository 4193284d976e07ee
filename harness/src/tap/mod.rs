//! A relay that shows what a gateway and an application server say to each other.
//!
//! ```text
//!  gateway ◀──▶ relay ◀──▶ application server
//!                 │ two tapes that go to and fro, bounded, never waited for
//!                 ▼
//!          conversation ──▶ Exchange ──▶ diagnose ──▶ findings
//!                              ├──▶ line       one line, JSON
//!                              ├──▶ decode     records, octets
//!                              └──▶ record     a scenario
//! ```
//!
//! Only `listener`, `relay`, `wire`, `tape` and `desk` touch sockets, threads and clocks; everything else is a function of what
//! went by.

pub mod conversation;
mod desk;
pub mod diagnose;
mod environment;
pub mod exchange;
mod fastcgi;
pub mod filter;
mod http;
pub mod line;
mod listener;
pub mod pairs;
pub mod record;
mod relay;
mod reply;
mod rules;
mod tape;
mod wire;

pub use conversation::{Conversation, Happened};
pub use desk::{Detail, Wishes, run};
pub use diagnose::{Finding, diagnose};
pub use exchange::{Ending, Exchange};
pub use pairs::Pairs;

#[cfg(test)]
mod tests;
