//! The built-in gateway.

use std::time::Duration;

use super::sockets::address;
use crate::exchange::Protocol;
use crate::options::error::OptionError;
use crate::options::given::Gathered;
use crate::options::opt::Takes::{Many, One};
use crate::options::opt::Topic::Gateway;
use crate::options::opt::{Opt, opt};
use crate::options::values::mounted;
use crate::socket::Address;

/// The options of this group.
pub(in crate::options) static OPTIONS: &[Opt] = &[
    opt(
        "http",
        Many("ADDR"),
        Gateway,
        "Listen on ADDR as a gateway that forwards to --uwsgi-to, --fastcgi-to or \
         --scgi-to; without one of these it serves the applications itself",
    )
    .aliases(&["httprouter"]),
    opt(
        "uwsgi-to",
        One("[/PREFIX=]ADDR"),
        Gateway,
        "Forward what --http receives (below /PREFIX) to this uwsgi server",
    )
    .aliases(&["http-to"]),
    opt(
        "fastcgi-to",
        One("[/PREFIX=]ADDR"),
        Gateway,
        "Forward what --http receives (below /PREFIX) to this FastCGI server",
    ),
    opt(
        "scgi-to",
        One("[/PREFIX=]ADDR"),
        Gateway,
        "Forward what --http receives (below /PREFIX) to this SCGI server",
    ),
];

/// One `--uwsgi-to`, `--fastcgi-to` or `--scgi-to`: where the built-in gateway forwards to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// The URL prefix that is forwarded and becomes SCRIPT_NAME; empty for the root.
    pub prefix: String,
    /// The protocol to speak; never [`Protocol::Http`].
    pub protocol: Protocol,
    /// The application server's socket.
    pub address: Address,
    /// `http-timeout`: how long the upstream may stay silent.
    pub timeout: Duration,
    /// `http-connect-timeout`: how long it may take to accept a connection.
    pub connect_timeout: Duration,
}

pub(in crate::options) fn resolve(gathered: &Gathered) -> Result<Option<Upstream>, OptionError> {
    let kinds = [
        ("uwsgi-to", Protocol::Uwsgi),
        ("fastcgi-to", Protocol::FastCgi),
        ("scgi-to", Protocol::Scgi),
    ];
    let mut given = kinds
        .iter()
        .flat_map(|&(name, protocol)| gathered.last(name).map(|given| (given, protocol)));
    let Some((to, protocol)) = given.next() else {
        return Ok(None);
    };
    if let Some((other, _)) = given.next() {
        return Err(OptionError::TwoUpstreams(to.opt.name, other.opt.name));
    }
    let public = ["http", "https", "https2"];
    if public.iter().all(|name| gathered.last(name).is_none()) {
        return Err(OptionError::UpstreamUnused(to.opt.name));
    }
    let timeout = gathered.seconds("http-timeout")?;
    let (prefix, value) = mounted(&to.value);
    Ok(Some(Upstream {
        prefix: prefix.to_owned(),
        protocol,
        address: address(to, value)?,
        timeout,
        connect_timeout: gathered
            .seconds_if("http-connect-timeout")?
            .unwrap_or(timeout),
    }))
}
