//! Sizes and times that bound one request.

use std::time::Duration;

use crate::options::error::OptionError;
use crate::options::given::{Gathered, Given};
use crate::options::opt::Takes::One;
use crate::options::opt::Topic::Sockets;
use crate::options::opt::{Opt, opt};

/// The options of this group.
pub(in crate::options) static OPTIONS: &[Opt] = &[
    opt(
        "buffer-size",
        One("BYTES"),
        Sockets,
        "The most that the meta-variables or header fields of one request may take, up to 65535 \
         [default: 4096]",
    )
    .short('b'),
    opt(
        "limit-post",
        One("BYTES"),
        Sockets,
        "Refuse request bodies that are larger with 413 [default: no limit]",
    ),
    opt(
        "post-buffering",
        One("BYTES"),
        Sockets,
        "Read a request body to its end before the application is called: into memory up to so \
         many bytes, a larger one into a temporary file [default: off]",
    ),
    opt(
        "post-buffering-bufsize",
        One("BYTES"),
        Sockets,
        "Accepted; bodies are read in pieces of up to 64 KiB",
    ),
    opt(
        "socket-timeout",
        One("SECONDS"),
        Sockets,
        "Give up on a peer that sends or takes nothing for so long [default: 4]",
    )
    .short('z'),
    opt(
        "max-vars",
        One("N"),
        Sockets,
        "Accepted; a request may have 1024 variables",
    )
    .short('v'),
];

/// The smallest `buffer-size` that is of any use: a request line and a few fields.
const SMALLEST_BUFFER: u16 = 64;

/// Sizes and times that bound one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// `buffer-size`: bytes of meta-variables or header fields.
    pub buffer_size: usize,
    /// `limit-post`: bytes of a request body; `u64::MAX` for any number.
    pub body_size: u64,
    /// `post-buffering`: bytes of a request body that are kept in memory while it is read to its
    /// end before the application is called; `None` where it streams.
    pub post_buffering: Option<u64>,
    /// `socket-timeout`: silence of a peer, in any direction.
    pub socket_timeout: Duration,
}

pub(in crate::options) fn resolve(gathered: &Gathered) -> Result<Limits, OptionError> {
    let buffer_size = gathered.size16("buffer-size", 4096)?;
    for name in ["post-buffering-bufsize", "max-vars"] {
        gathered.last(name).map(Given::number).transpose()?;
    }
    Ok(Limits {
        buffer_size: buffer_size.max(SMALLEST_BUFFER).into(),
        body_size: gathered.size("limit-post")?.unwrap_or(u64::MAX),
        post_buffering: gathered.size("post-buffering")?,
        socket_timeout: gathered.seconds_or("socket-timeout", 4)?,
    })
}
