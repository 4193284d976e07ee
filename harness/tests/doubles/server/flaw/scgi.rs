//! Faults that only SCGI can show.

use gatebench::model::Model::Scgi;

use super::{Entry, Flaw};

pub(super) const FLAWS: &[Entry] = &[
    (Flaw::ScgiCommaAtOnce, "backend/scgi-comma-at-once", &[Scgi]),
    (Flaw::ScgiInOneRead, "backend/scgi-in-one-read", &[Scgi]),
    (
        Flaw::ScgiDiesOfHugeLength,
        "backend/scgi-dies-of-huge-length",
        &[Scgi],
    ),
    (
        Flaw::ScgiRunsTruncated,
        "backend/scgi-runs-truncated",
        &[Scgi],
    ),
    (Flaw::ScgiStuckOnHttp, "backend/scgi-stuck-on-http", &[Scgi]),
    (
        Flaw::ScgiLengthUnchecked,
        "backend/scgi-length-unchecked",
        &[Scgi],
    ),
    (
        Flaw::ScgiVersionUnchecked,
        "backend/scgi-version-unchecked",
        &[Scgi],
    ),
    (
        Flaw::ScgiDuplicateTaken,
        "backend/scgi-duplicate-taken",
        &[Scgi],
    ),
    (
        Flaw::ScgiEmptyValueRefused,
        "backend/scgi-empty-value-refused",
        &[Scgi],
    ),
    (
        Flaw::ScgiVersionSecond,
        "backend/scgi-version-second",
        &[Scgi],
    ),
    (Flaw::ScgiBodyToEnd, "backend/scgi-body-to-end", &[Scgi]),
    (
        Flaw::ScgiReadsAllFirst,
        "backend/scgi-reads-all-first",
        &[Scgi],
    ),
    (Flaw::ScgiKeepsOpen, "backend/scgi-keeps-open", &[Scgi]),
    (Flaw::ScgiTakesSecond, "backend/scgi-takes-second", &[Scgi]),
    (Flaw::ScgiResets, "backend/scgi-resets", &[Scgi]),
    (Flaw::ScgiHeadless, "backend/scgi-headless", &[Scgi]),
];
