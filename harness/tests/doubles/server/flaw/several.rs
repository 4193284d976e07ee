//! Faults that more than one protocol can show.

use gatebench::model::Model::{FastCgi, Scgi, Uwsgi};

use super::{Entry, Flaw};

pub(super) const FLAWS: &[Entry] = &[
    (
        Flaw::FirstDuplicateCounts,
        "backend/first-duplicate-counts",
        &[FastCgi, Uwsgi],
    ),
    (
        Flaw::LateLengthUnseen,
        "backend/late-length-unseen",
        &[FastCgi, Uwsgi],
    ),
    (
        Flaw::BodyFromNextRead,
        "backend/body-from-next-read",
        &[Uwsgi, Scgi],
    ),
    (
        Flaw::PhpValueObeyed,
        "backend/php-value-obeyed",
        &[FastCgi, Uwsgi, Scgi],
    ),
    (
        Flaw::EmptyWithoutScript,
        "backend/empty-without-script",
        &[FastCgi, Uwsgi, Scgi],
    ),
    (
        Flaw::HalfCloseAborts,
        "backend/half-close-aborts",
        &[FastCgi, Uwsgi, Scgi],
    ),
    (
        Flaw::DiesOfEmptyConnection,
        "backend/dies-of-empty-connection",
        &[FastCgi, Uwsgi, Scgi],
    ),
    (
        Flaw::HighBitsLost,
        "backend/high-bits-lost",
        &[FastCgi, Uwsgi, Scgi],
    ),
    (
        Flaw::ValuesEndAtLine,
        "backend/values-end-at-line",
        &[FastCgi, Scgi],
    ),
    (
        Flaw::EmptyTypeFails,
        "backend/empty-type-fails",
        &[FastCgi, Uwsgi, Scgi],
    ),
    (
        Flaw::ValuesLowerCased,
        "backend/values-lower-cased",
        &[FastCgi, Uwsgi, Scgi],
    ),
];
