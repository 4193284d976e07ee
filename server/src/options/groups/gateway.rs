//! The built-in gateway.

use std::time::Duration;

use super::sockets::address;
use crate::exchange::Protocol;
use crate::options::error::OptionError;
use crate::options::given::{Gathered, Given};
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
        Many("[/PREFIX=]ADDR"),
        Gateway,
        "Forward what --http receives (below /PREFIX) to this uwsgi server; once for each prefix",
    )
    .aliases(&["http-to"]),
    opt(
        "fastcgi-to",
        Many("[/PREFIX=]ADDR"),
        Gateway,
        "Forward what --http receives (below /PREFIX) to this FastCGI server; once for each prefix",
    ),
    opt(
        "scgi-to",
        Many("[/PREFIX=]ADDR"),
        Gateway,
        "Forward what --http receives (below /PREFIX) to this SCGI server; once for each prefix",
    ),
    opt(
        "fastcgi-keepalive",
        One("N"),
        Gateway,
        "Keep up to N idle connections to each FastCGI server for next requests, in each worker. 0, \
         the default, keeps none: a kept connection occupies a worker of php-fpm and of others that \
         serve one connection each",
    ),
    opt(
        "fastcgi-root",
        One("DIR"),
        Gateway,
        "Where the FastCGI server finds its scripts: DOCUMENT_ROOT, with SCRIPT_FILENAME below it; a \
         path is split behind its first name that ends in .php",
    ),
    opt(
        "fastcgi-index",
        One("FILE"),
        Gateway,
        "The script of a folder, and at the root of every path that names none, with --fastcgi-root: \
         index.php unless given",
    ),
];

/// `--fastcgi-root` and `--fastcgi-index`: which script a FastCGI server is told to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scripts {
    /// An absolute path on the FastCGI server's side, without a slash at its end; `None` where what
    /// listens is no interpreter of files.
    pub root: Option<String>,
    /// The script of a folder.
    pub index: String,
}

/// One `--uwsgi-to`, `--fastcgi-to` or `--scgi-to`: where the built-in gateway forwards to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// The URL prefix that is forwarded and becomes SCRIPT_NAME; empty for the root.
    pub prefix: String,
    /// The protocol to speak; never [`Protocol::Http`].
    pub protocol: Protocol,
    /// The application server's socket.
    pub address: Address,
    /// `fastcgi-keepalive`: idle connections of each worker.
    pub keepalive: usize,
    /// Which script a FastCGI server is told to run.
    pub scripts: Scripts,
    /// `http-timeout`: how long the upstream may stay silent.
    pub timeout: Duration,
    /// `http-connect-timeout`: how long it may take to accept a connection.
    pub connect_timeout: Duration,
}

/// The upstreams in the order of their options; each has a prefix of its own.
pub(in crate::options) fn resolve(gathered: &Gathered) -> Result<Vec<Upstream>, OptionError> {
    let kinds = [
        ("uwsgi-to", Protocol::Uwsgi),
        ("fastcgi-to", Protocol::FastCgi),
        ("scgi-to", Protocol::Scgi),
    ];
    let of_kind = |(name, protocol)| gathered.all(name).map(move |given| (given, protocol));
    let given: Vec<(&Given, Protocol)> = kinds.into_iter().flat_map(of_kind).collect();
    let Some((first, _)) = given.first() else {
        return Ok(Vec::new());
    };
    let public = ["http", "https", "https2"];
    if public.iter().all(|name| gathered.last(name).is_none()) {
        return Err(OptionError::UpstreamUnused(first.opt.name));
    }
    let timeout = gathered.seconds("http-timeout")?;
    let connect_timeout = gathered.seconds_if("http-connect-timeout")?;
    let scripts = scripts(gathered)?;
    let keepalive = gathered.last("fastcgi-keepalive").map(Given::number);
    let keepalive = keepalive.transpose()?.unwrap_or(0);
    let keepalive = usize::try_from(keepalive).unwrap_or(usize::MAX);
    let mut upstreams: Vec<Upstream> = Vec::new();
    for (to, protocol) in given {
        let (prefix, value) = mounted(&to.value);
        if let Some(other) = upstreams.iter().find(|other| other.prefix == prefix) {
            let path = format!("{prefix}/");
            return Err(OptionError::TwoUpstreams(
                path,
                other.address.to_string(),
                value.to_owned(),
            ));
        }
        upstreams.push(Upstream {
            prefix: prefix.to_owned(),
            protocol,
            address: address(to, value)?,
            keepalive,
            scripts: scripts.clone(),
            timeout,
            connect_timeout: connect_timeout.unwrap_or(timeout),
        });
    }
    Ok(upstreams)
}

fn scripts(gathered: &Gathered) -> Result<Scripts, OptionError> {
    let root = gathered.last("fastcgi-root");
    let absolute = |given: &Given| {
        let root = std::path::absolute(&given.value).ok();
        let root = root.and_then(|root| root.to_str().map(str::to_owned));
        root.ok_or_else(|| given.refuse("a folder"))
    };
    let root = root.map(absolute).transpose()?;
    Ok(Scripts {
        root: root.map(|root| root.trim_end_matches('/').to_owned()),
        index: gathered
            .text("fastcgi-index")
            .unwrap_or_else(|| "index.php".to_owned()),
    })
}
