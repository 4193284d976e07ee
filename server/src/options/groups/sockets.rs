//! What to listen on, and how sockets are made.

use std::net::IpAddr;

use nix::unistd::{Gid, Uid};

use super::tls::{self, TlsSettings};
use super::web_servers;
use crate::exchange::Protocol;
use crate::options::error::OptionError;
use crate::options::given::{Gathered, Given};
use crate::options::opt::Takes::{Flag, Many, Maybe, One};
use crate::options::opt::Topic::Sockets;
use crate::options::opt::{Opt, opt};
use crate::options::values;
use crate::socket::Address;

/// The options of this group.
pub(in crate::options) static OPTIONS: &[Opt] = &[
    opt(
        "socket",
        Many("ADDR"),
        Sockets,
        "Listen on ADDR and speak --protocol there. ADDR is host:port, :port, [v6]:port, \
         /path of a Unix socket, @abstract or fd://N. Up to 8 sockets in all",
    )
    .short('s'),
    opt(
        "protocol",
        One("NAME"),
        Sockets,
        "What --socket speaks: uwsgi (default), fastcgi, scgi or http",
    )
    .aliases(&["socket-protocol"]),
    opt(
        "uwsgi-socket",
        Many("ADDR"),
        Sockets,
        "Listen on ADDR and speak uwsgi (nginx: uwsgi_pass)",
    ),
    opt(
        "fastcgi-socket",
        Many("ADDR"),
        Sockets,
        "Listen on ADDR and speak FastCGI (nginx: fastcgi_pass)",
    ),
    opt(
        "scgi-socket",
        Many("ADDR"),
        Sockets,
        "Listen on ADDR and speak SCGI (nginx: scgi_pass)",
    ),
    opt(
        "http-socket",
        Many("ADDR"),
        Sockets,
        "Listen on ADDR and speak HTTP/1.1 (nginx: proxy_pass, or a browser)",
    )
    .aliases(&["http11-socket"]),
    opt(
        "listen",
        One("N"),
        Sockets,
        "Length of the queue of connections not yet accepted [default: 100]",
    )
    .short('l'),
    opt(
        "chmod-socket",
        Maybe {
            value: "MODE",
            default: "666",
        },
        Sockets,
        "Permissions of Unix sockets, as three octal digits [without a value: 666]",
    )
    .short('C')
    .aliases(&["chmod"]),
    opt(
        "chown-socket",
        One("USER[:GROUP]"),
        Sockets,
        "Owner of Unix sockets",
    ),
    opt(
        "socket-sndbuf",
        One("BYTES"),
        Sockets,
        "Size of the system's buffer for what is sent on a connection [default: the system's]",
    ),
    opt(
        "socket-rcvbuf",
        One("BYTES"),
        Sockets,
        "Size of the system's buffer for what arrives on a connection [default: the system's]",
    ),
    opt(
        "reuse-port",
        Flag,
        Sockets,
        "Let other servers of the same user listen on the same TCP port",
    ),
    opt(
        "freebind",
        Flag,
        Sockets,
        "Bind to addresses that this machine does not have yet",
    ),
    opt(
        "so-keepalive",
        Flag,
        Sockets,
        "Look after TCP peers that fell silent; always so here",
    ),
    opt(
        "tcp-nodelay",
        Flag,
        Sockets,
        "Send small packets at once; always so here",
    ),
    opt(
        "vacuum",
        Flag,
        Sockets,
        "Remove Unix sockets and the pidfile on exit",
    ),
];

/// The most sockets that may be listened on, as in uWSGI 0.9.
pub const MAX_SOCKETS: usize = 8;

/// One socket to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenerSettings {
    /// Where.
    pub address: Address,
    /// What is spoken there.
    pub protocol: Protocol,
    /// Whether requests go to the upstream instead of the applications (`--http` with `--…-to`).
    pub forwards: bool,
    /// Whether it faces clients instead of a gateway (`http`, `https`): it then has the times of
    /// `http-…` options.
    pub public: bool,
    /// Certificates, on a socket with TLS.
    pub tls: Option<TlsSettings>,
    /// Whose connections are served; `None` for everybody's (FCGI-3.2-WEB-SERVER-ADDRS).
    pub clients: Option<Vec<IpAddr>>,
}

/// How sockets are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketSettings {
    /// `listen`: connections that may wait to be accepted.
    pub backlog: u32,
    /// `chmod-socket`: permissions of Unix sockets.
    pub mode: Option<u32>,
    /// `chown-socket`: owner of Unix sockets.
    pub owner: Option<(Option<Uid>, Option<Gid>)>,
    /// `vacuum`: whether Unix sockets and the pidfile are removed on exit.
    pub vacuum: bool,
    /// `socket-sndbuf`, in bytes.
    pub send_buffer: Option<u32>,
    /// `socket-rcvbuf`, in bytes.
    pub receive_buffer: Option<u32>,
    /// `reuse-port`.
    pub reuse_port: bool,
    /// `freebind`.
    pub freebind: bool,
}

pub(in crate::options) fn resolve(gathered: &Gathered) -> Result<SocketSettings, OptionError> {
    let mode = |given: &Given| given.read("three octal digits, as in 660", values::mode);
    let owner = |given: &Given| given.read("a USER or USER:GROUP of this machine", values::owner);
    Ok(SocketSettings {
        backlog: gathered.number("listen", 100, 1, 65535)?,
        mode: gathered.last("chmod-socket").map(mode).transpose()?,
        owner: gathered.last("chown-socket").map(owner).transpose()?,
        vacuum: gathered.flag("vacuum")?,
        send_buffer: gathered.nonzero("socket-sndbuf")?,
        receive_buffer: gathered.nonzero("socket-rcvbuf")?,
        reuse_port: gathered.flag("reuse-port")?,
        freebind: gathered.flag("freebind")?,
    })
}

/// Every socket asked for. `gateway`: whether `http` forwards to an upstream.
pub(in crate::options) fn listeners(
    gathered: &Gathered,
    gateway: bool,
) -> Result<Vec<ListenerSettings>, OptionError> {
    let plain = gathered
        .last("protocol")
        .map_or(Ok(Protocol::Uwsgi), |given| {
            given.read("uwsgi, fastcgi, scgi or http", protocol)
        })?;
    let kinds = [
        ("socket", plain, false),
        ("uwsgi-socket", Protocol::Uwsgi, false),
        ("fastcgi-socket", Protocol::FastCgi, false),
        ("scgi-socket", Protocol::Scgi, false),
        ("http-socket", Protocol::Http, false),
        ("http", Protocol::Http, gateway),
        ("suwsgi-socket", Protocol::Uwsgi, false),
        ("https-socket", Protocol::Http, false),
        ("https", Protocol::Http, gateway),
        ("https2", Protocol::Http, gateway),
    ];
    tls::note_unused(gathered);
    let servers = web_servers::resolve(gathered)?;
    let mut listeners = Vec::new();
    for (name, protocol, forwards) in kinds {
        for given in gathered.all(name) {
            let is_secure = matches!(name, "suwsgi-socket" | "https-socket" | "https" | "https2");
            let (address, tls) = match is_secure {
                true => tls::read(gathered, given).map(|(at, tls)| (at, Some(tls)))?,
                false => (address(given, &given.value)?, None),
            };
            listeners.push(ListenerSettings {
                address,
                protocol,
                forwards,
                public: matches!(name, "http" | "https" | "https2"),
                tls,
                clients: servers.clone().filter(|_| protocol == Protocol::FastCgi),
            });
        }
    }
    match listeners.len() {
        0 => Err(OptionError::NoSocket),
        1..=MAX_SOCKETS => Ok(listeners),
        more => Err(OptionError::TooManySockets(more)),
    }
}

fn protocol(name: &str) -> Option<Protocol> {
    let all = [
        Protocol::Uwsgi,
        Protocol::FastCgi,
        Protocol::Scgi,
        Protocol::Http,
    ];
    all.into_iter().find(|protocol| protocol.name() == name)
}

/// A socket address that an option names.
pub(in crate::options) fn address(given: &Given, value: &str) -> Result<Address, OptionError> {
    let parsed = match port_alone(value) {
        Some(value) => value.parse(),
        None => value.parse(),
    };
    parsed.map_err(|bad: crate::socket::BadAddress| {
        given.refuse(&format!("a socket address ({bad})"))
    })
}

/// The address up to the end of its port where something else follows: uWSGI reads a port as any
/// other number, so `localhost:8080; # x` is `localhost:8080`.
fn port_alone(value: &str) -> Option<&str> {
    if value.starts_with(['/', '@']) || value.contains("://") {
        return None;
    }
    let port = value.rfind(':')? + 1;
    let digits = value[port..].bytes().take_while(u8::is_ascii_digit).count();
    (digits > 0).then(|| &value[..port + digits])
}
