//! The body of a reply as the program writes it, and what goes on beside it.

use std::time::Duration;

use super::{Act, Fault, fault};
use crate::doubles::conduct::WaitsFor;

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "gateway/reply-ends-at-pause",
        &[Act::Conduct(|conduct| {
            conduct.body_patience = Some(Duration::from_millis(100))
        })],
    ),
    fault(
        "gateway/late-head-504",
        &[Act::Conduct(|conduct| {
            conduct.head_patience = Some(Duration::from_millis(500))
        })],
    ),
    fault(
        "gateway/cut-reply-looks-whole",
        &[Act::Conduct(|conduct| conduct.hides_cuts = true)],
    ),
    fault(
        "gateway/chunk-heads-in-the-body",
        &[Act::Conduct(|conduct| conduct.chunks_twice = true)],
    ),
    fault(
        "gateway/reply-held",
        &[Act::Conduct(|conduct| conduct.waits_for = WaitsFor::Output)],
    ),
    fault(
        "gateway/reply-limited-to-a-second",
        &[Act::Conduct(|conduct| {
            conduct.reply_within = Some(Duration::from_secs(1))
        })],
    ),
    fault(
        "gateway/log-forged",
        &[Act::Conduct(|conduct| conduct.logs_raw = true)],
    ),
    fault(
        "gateway/stderr-caught",
        &[Act::Conduct(|conduct| {
            conduct.waits_for = WaitsFor::CaughtErrors
        })],
    ),
    fault(
        "gateway/stderr-in-body",
        &[Act::Conduct(|conduct| {
            conduct.waits_for = WaitsFor::ErrorStream
        })],
    ),
    fault(
        "backend/exit-status-502",
        &[Act::Conduct(|conduct| {
            conduct.waits_for = WaitsFor::ExitStatus
        })],
    ),
];
