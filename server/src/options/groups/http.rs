//! HTTP as a server.

use std::time::Duration;

use crate::options::error::OptionError;
use crate::options::given::{Gathered, Given};
use crate::options::opt::Takes::{Flag, Many, Maybe, One};
use crate::options::opt::Topic::Http;
use crate::options::opt::{Opt, opt};

/// The options of this group.
pub(in crate::options) static OPTIONS: &[Opt] = &[
    opt(
        "http-timeout",
        One("SECONDS"),
        Http,
        "On sockets of --http and --https, give up on a client that sends or takes nothing for so \
         long; answer 504 when the server behind stays silent for so long [default: 60]",
    ),
    opt(
        "http-headers-timeout",
        One("SECONDS"),
        Http,
        "On sockets of --http and --https, the time that a client may take for the whole head of a \
         request [default: --http-timeout]",
    ),
    opt(
        "http-connect-timeout",
        One("SECONDS"),
        Http,
        "Answer 504 when the server behind does not accept a connection for so long [default: \
         --http-timeout]",
    ),
    opt(
        "http-keepalive",
        Maybe {
            value: "SECONDS",
            default: "1",
        },
        Http,
        "Keep an HTTP connection open for another request, for so long [0: never; 1 or not given: \
         60]",
    ),
    opt(
        "http-auto-chunked",
        Flag,
        Http,
        "Send a reply without Content-Length in chunks, so that the connection can be kept; always \
         so here",
    ),
    opt(
        "http-raw-body",
        Flag,
        Http,
        "Accepted; a chunked request body is always decoded",
    ),
    opt(
        "http-chunked-input",
        Flag,
        Http,
        "Accepted; a chunked request body is always decoded",
    ),
    opt(
        "http-manage-expect",
        Maybe {
            value: "BYTES",
            default: "true",
        },
        Http,
        "Answer Expect: 100-continue once the body is wanted; always so here",
    ),
    opt(
        "http-enable-proxy-protocol",
        Maybe {
            value: "BOOL",
            default: "true",
        },
        Http,
        "Take the client's address from a PROXY header (version 1 or 2) where a connection begins \
         with one; only for sockets that nobody but the proxy can reach",
    )
    .aliases(&["enable-proxy-protocol"]),
    opt(
        "http-var",
        Many("NAME=VALUE"),
        Http,
        "Add a variable to requests that came by HTTP",
    ),
    opt(
        "http-processes",
        One("N"),
        Http,
        "Accepted; the workers speak HTTP themselves",
    )
    .aliases(&["http-workers"]),
    opt(
        "http-modifier1",
        One("N"),
        Http,
        "Accepted; requests are forwarded with modifier1 0",
    ),
    opt(
        "http-modifier2",
        One("N"),
        Http,
        "Accepted; requests are forwarded with modifier2 0",
    ),
    opt(
        "http-buffer-size",
        One("BYTES"),
        Http,
        "Accepted; --buffer-size bounds the head of a request",
    ),
    opt(
        "http-events",
        One("N"),
        Http,
        "Accepted; a worker serves any number of connections",
    ),
];

/// Options that change nothing here, and why.
const UNUSED: [(&str, &str); 5] = [
    ("http-processes", "the workers speak HTTP themselves"),
    ("http-modifier1", "requests are forwarded with modifier1 0"),
    ("http-modifier2", "requests are forwarded with modifier2 0"),
    (
        "http-buffer-size",
        "buffer-size bounds the head of a request",
    ),
    ("http-events", "a worker serves any number of connections"),
];

/// How long an idle connection is kept unless `http-keepalive` says else.
const KEEPALIVE: Duration = Duration::from_secs(60);

/// HTTP as a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpSettings {
    /// `http-timeout`: silence of a client on sockets of `http` and `https`.
    pub timeout: Duration,
    /// `http-headers-timeout`: time for a whole head on those.
    pub headers_timeout: Duration,
    /// `http-keepalive`: how long an idle connection is kept; `None` if it is closed after each
    /// response.
    pub keepalive: Option<Duration>,
    /// `http-enable-proxy-protocol`: whether a connection may begin with a PROXY header.
    pub proxy_protocol: bool,
    /// `http-var`: variables added to each request.
    pub vars: Vec<(String, String)>,
}

pub(in crate::options) fn resolve(gathered: &Gathered) -> Result<HttpSettings, OptionError> {
    for (name, why) in UNUSED {
        if let Some(given) = gathered.last(name) {
            gathered.note(format!(
                "`{name}` ({}) changes nothing: {why}",
                given.origin
            ));
        }
    }
    let timeout = gathered.seconds("http-timeout")?;
    Ok(HttpSettings {
        timeout,
        headers_timeout: gathered
            .seconds_if("http-headers-timeout")?
            .unwrap_or(timeout),
        keepalive: keepalive(gathered)?,
        proxy_protocol: gathered.flag("http-enable-proxy-protocol")?,
        vars: gathered.pairs("http-var", "NAME=VALUE")?,
    })
}

fn keepalive(gathered: &Gathered) -> Result<Option<Duration>, OptionError> {
    let seconds = gathered.last("http-keepalive").map(Given::number);
    Ok(match seconds.transpose()? {
        Some(0) => None,
        // A bare option reads as 1, which switches it on in uWSGI as well.
        None | Some(1) => Some(KEEPALIVE),
        Some(seconds) => Some(Duration::from_secs(seconds)),
    })
}
