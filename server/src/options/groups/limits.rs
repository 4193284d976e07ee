//! Sizes and times that bound one request.

use std::time::Duration;

use crate::options::error::OptionError;
use crate::options::given::Gathered;
use crate::options::opt::Takes::One;
use crate::options::opt::Topic::Sockets;
use crate::options::opt::{Opt, opt};

/// The options of this group.
pub(in crate::options) static OPTIONS: &[Opt] = &[
    opt(
        "buffer-size",
        One("BYTES"),
        Sockets,
        "The most that the meta-variables or header fields of one request may take \
         [default: 65535]",
    )
    .short('b'),
    opt(
        "limit-post",
        One("BYTES"),
        Sockets,
        "Refuse request bodies that are larger with 413 [default: no limit]",
    ),
    opt(
        "socket-timeout",
        One("SECONDS"),
        Sockets,
        "Give up on a peer that sends or takes nothing for so long [default: 60]",
    )
    .short('z'),
];

/// Sizes and times that bound one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// `buffer-size`: bytes of meta-variables or header fields.
    pub buffer_size: usize,
    /// `limit-post`: bytes of a request body; `u64::MAX` for any number.
    pub body_size: u64,
    /// `socket-timeout`: silence of a peer, in any direction.
    pub socket_timeout: Duration,
}

pub(in crate::options) fn resolve(gathered: &Gathered) -> Result<Limits, OptionError> {
    // The uwsgi protocol cannot express more than 65535; a file that asks for more gets that.
    let buffer_size = gathered.number("buffer-size", 65535, 1024, 16 * 1024 * 1024)?;
    Ok(Limits {
        buffer_size: buffer_size as usize,
        body_size: gathered.size("limit-post")?.unwrap_or(u64::MAX),
        socket_timeout: gathered.seconds("socket-timeout")?,
    })
}
