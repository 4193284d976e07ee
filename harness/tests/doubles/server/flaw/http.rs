//! Faults that only HTTP can show.

use gatebench::model::Model::Http;

use super::{Entry, Flaw};

pub(super) const FLAWS: &[Entry] = &[
    (
        Flaw::HttpClosesAlways,
        "backend/http-closes-always",
        &[Http],
    ),
    (
        Flaw::HttpDropsPipelined,
        "backend/http-drops-pipelined",
        &[Http],
    ),
    (Flaw::HttpHeadHasBody, "backend/http-head-has-body", &[Http]),
];
