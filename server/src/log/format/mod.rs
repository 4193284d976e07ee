//! `log-format`: a line of one's own for every request.
//!
//! ```text
//! text ──compile, once──▶ parts ──render, per request──▶ line
//! ```

mod compile;
mod render;
mod variables;

use std::ffi::CStr;
use std::time::Duration;

use super::facts::RequestFacts;
use crate::exchange::{Notes, Sent};

pub(super) use compile::LineFormat;

/// Everything that a line can tell.
pub(super) struct Subject<'a> {
    pub(super) facts: &'a RequestFacts,
    pub(super) sent: Sent,
    pub(super) notes: &'a Notes,
    /// From the first byte of the request to the last of the reply.
    pub(super) took: Duration,
    pub(super) worker: Worker,
}

/// What a line can tell of the worker.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Worker {
    pub(super) pid: u32,
    /// Counted from 1.
    pub(super) number: usize,
    /// Resident memory in bytes, as last measured; 0 if never.
    pub(super) rss: u64,
    /// Address space in bytes, as last measured; 0 if never.
    pub(super) vsz: u64,
}

/// How `%(ltime)` is written, and `%(ftime)` where nothing else is asked for.
const COMMON_LOG: &CStr = c"%d/%b/%Y:%H:%M:%S %z";

#[cfg(test)]
mod tests;
