//! Connections to whoever is behind the gateway.

use super::{super::habits::WhenGone, Act::Habits, Fault, fault};

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "gateway/upstream-closed-when-idle",
        &[Habits(|habits| habits.keeps = false)],
    ),
    fault(
        "gateway/upstream-stale-is-502",
        &[Habits(|habits| {
            habits.looks_at_kept = false;
            habits.asks_again = false;
        })],
    ),
    fault(
        "gateway/upstream-rest-to-next",
        &[Habits(|habits| {
            habits.keeps_rest = true;
            habits.looks_at_kept = false;
        })],
    ),
    fault(
        "gateway/upstream-used-before-end",
        &[Habits(|habits| {
            habits.keeps_before_end = true;
            habits.looks_at_kept = false;
        })],
    ),
    fault(
        "gateway/upstream-written-before-read",
        &[Habits(|habits| habits.writes_all_first = true)],
    ),
    fault(
        "gateway/upstream-goes-on-alone",
        &[Habits(|habits| habits.when_gone = WhenGone::GoOn)],
    ),
    fault(
        "gateway/upstream-used-after-abort",
        &[Habits(|habits| habits.when_gone = WhenGone::AbortAndKeep)],
    ),
];
