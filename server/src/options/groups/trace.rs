//! What is told of the time that each step of a request takes.

use std::path::PathBuf;

use crate::options::error::OptionError;
use crate::options::given::Gathered;
use crate::options::opt::Takes::{Flag, One};
use crate::options::opt::Topic::Monitoring;
use crate::options::opt::{Opt, opt};

/// The options of this group.
pub(in crate::options) static OPTIONS: &[Opt] = &[
    opt(
        "trace-requests",
        One("FILE"),
        Monitoring,
        "Append a line of JSON to FILE for each request: when it was accepted, spawned, executed, answered, \
         reaped, in microseconds from when its head was understood",
    ),
    opt(
        "server-timing",
        Flag,
        Monitoring,
        "Tell the client the steps up to the head of the reply in a Server-Timing field",
    ),
];

/// What is told of the steps of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TraceSettings {
    /// `trace-requests`: the file that lines are appended to.
    pub file: Option<PathBuf>,
    /// `server-timing`: whether clients are told.
    pub server_timing: bool,
}

pub(in crate::options) fn resolve(gathered: &Gathered) -> Result<TraceSettings, OptionError> {
    Ok(TraceSettings {
        file: gathered.path("trace-requests"),
        server_timing: gathered.flag("server-timing")?,
    })
}
