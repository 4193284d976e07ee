//! What is made of FastCGI records that come back.

use wire::fastcgi::Kind;

use super::{
    super::{
        super::conduct::WaitsFor,
        habits::{Padding, Stray},
    },
    Act::{Conduct, Habits},
    Fault, fault,
};

/// Types up to here exist (FastCGI 1.0 section 8).
const LAST: u8 = Kind::UNKNOWN_TYPE.0;

/// A reply that says nothing.
const EMPTY: &[u8] = b"Status: 200 OK\r\n\r\n";

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "gateway/fcgi-reply-version-ignored",
        &[Habits(|habits| habits.understands = |_| true)],
    ),
    fault(
        "gateway/fcgi-padding-in-reply",
        &[Habits(|habits| habits.padding = Padding::Content)],
    ),
    fault(
        "gateway/fcgi-padding-left-without-content",
        &[Habits(|habits| {
            habits.padding = Padding::LeftWithoutContent
        })],
    ),
    fault(
        "gateway/fcgi-padding-left-at-end",
        &[Habits(|habits| {
            habits.padding = Padding::LeftAtEnd;
            habits.keeps_rest = true;
            habits.looks_at_kept = false;
        })],
    ),
    fault(
        "gateway/fcgi-records-in-one-read",
        &[Habits(|habits| habits.needs_whole_reads = true)],
    ),
    fault(
        "gateway/fcgi-long-record-refused",
        &[Habits(|habits| habits.longest = 0x7fff)],
    ),
    fault(
        "gateway/fcgi-head-in-one-record",
        &[Habits(|habits| habits.needs_whole_head = true)],
    ),
    fault(
        "gateway/fcgi-other-id-served",
        &[Habits(|habits| {
            habits.strays = |record| match record.kind == Kind::STDOUT.0 && record.id > 1 {
                true => Stray::Output,
                false => right(record.kind),
            };
        })],
    ),
    fault(
        "gateway/fcgi-id-zero-served",
        &[Habits(|habits| {
            habits.strays = |record| match record.kind == Kind::STDOUT.0 && record.id == 0 {
                true => Stray::Output,
                false => right(record.kind),
            };
        })],
    ),
    fault(
        "gateway/fcgi-unknown-type-served",
        &[Habits(|habits| {
            habits.strays = |record| match record.kind > LAST {
                true => Stray::Output,
                false => right(record.kind),
            };
        })],
    ),
    fault(
        "gateway/fcgi-wrong-direction-served",
        &[Habits(|habits| {
            habits.strays = |record| match Kind(record.kind) {
                Kind::PARAMS | Kind::STDIN | Kind::DATA => Stray::Output,
                _ => right(record.kind),
            };
        })],
    ),
    fault(
        "gateway/fcgi-values-served",
        &[Habits(|habits| {
            habits.strays = |record| match Kind(record.kind) {
                Kind::GET_VALUES_RESULT => Stray::Output,
                _ => right(record.kind),
            };
        })],
    ),
    fault(
        "gateway/fcgi-unknown-answer-served",
        &[Habits(|habits| {
            habits.strays = |record| match Kind(record.kind) {
                Kind::UNKNOWN_TYPE => Stray::Output,
                _ => right(record.kind),
            };
        })],
    ),
    fault(
        "gateway/fcgi-more-after-end-of-stdout-served",
        &[Habits(|habits| {
            habits.strays = |record| match record.kind == Kind::STDOUT.0 && record.id == 1 {
                true => Stray::Output,
                false => right(record.kind),
            };
        })],
    ),
    fault(
        "gateway/fcgi-stderr-in-reply",
        &[Habits(|habits| habits.mixes_stderr = true)],
    ),
    fault(
        "gateway/fcgi-end-of-stdout-needed",
        &[Habits(|habits| habits.needs_stdout_end = true)],
    ),
    fault(
        "gateway/fcgi-refusal-is-empty-200",
        &[Habits(|habits| {
            habits.completes = |status, has_output| status == 0 || !has_output;
            habits.empty_reply = EMPTY;
        })],
    ),
    fault(
        "gateway/fcgi-late-refusal-passed",
        &[Habits(|habits| {
            habits.completes = |status, has_output| status == 0 || has_output;
        })],
    ),
    fault(
        "gateway/fcgi-short-end-taken",
        &[Habits(|habits| habits.needs_end_body = false)],
    ),
    fault(
        "gateway/fcgi-app-status-spoils",
        &[Conduct(|conduct| {
            conduct.waits_for = WaitsFor::ExitStatus;
        })],
    ),
    fault(
        "gateway/fcgi-close-ends-head",
        &[Habits(|habits| {
            habits.close_ends = true;
            habits.last_output = b"\r\n\r\n";
        })],
    ),
    fault(
        "gateway/fcgi-close-is-empty-200",
        &[Habits(|habits| {
            habits.close_ends = true;
            habits.empty_reply = EMPTY;
        })],
    ),
    fault(
        "gateway/fcgi-close-ends-reply",
        &[Habits(|habits| habits.close_ends = true)],
    ),
];

/// What the double does without a fault.
fn right(kind: u8) -> Stray {
    match kind {
        10.. => Stray::Skip,
        _ => Stray::Refuse,
    }
}
