//! Sockets with TLS.

use std::path::PathBuf;

use super::sockets::address;
use crate::options::error::OptionError;
use crate::options::given::{Gathered, Given};
use crate::options::opt::Takes::{Flag, Many, Maybe, One};
use crate::options::opt::Topic::Sockets;
use crate::options::opt::{Opt, opt};
use crate::socket::Address;

/// The options of this group.
pub(in crate::options) static OPTIONS: &[Opt] = &[
    opt(
        "https",
        Many("ADDR,CERT,KEY[,CIPHERS[,CLIENTCA]]"),
        Sockets,
        "Like --http, with TLS: a certificate chain and its key in PEM; with CLIENTCA clients may \
         show a certificate of that authority, with !CLIENTCA they must",
    ),
    opt(
        "https-socket",
        Many("ADDR,CERT,KEY[,CIPHERS[,CLIENTCA]]"),
        Sockets,
        "Like --http-socket, with TLS",
    ),
    opt(
        "suwsgi-socket",
        Many("ADDR,CERT,KEY[,CIPHERS[,CLIENTCA]]"),
        Sockets,
        "Like --uwsgi-socket, with TLS (nginx: uwsgi_pass suwsgi://)",
    )
    .aliases(&["ssl-socket"]),
    opt(
        "https2",
        Many("addr=ADDR,cert=CERT,key=KEY[,clientca=CLIENTCA]"),
        Sockets,
        "The same as --https, with names",
    ),
    opt(
        "ssl-option",
        Many("NUMBER"),
        Sockets,
        "Accepted; TLS is 1.2 or 1.3 with ciphers that are safe",
    ),
    opt(
        "ssl-enable-tlsv1",
        Flag,
        Sockets,
        "Accepted; TLS is 1.2 or 1.3",
    ),
    opt("ssl-enable3", Flag, Sockets, "Accepted; TLS is 1.2 or 1.3").aliases(&["ssl-enable-sslv3"]),
    opt(
        "ssl-verbose",
        Flag,
        Sockets,
        "Accepted; a handshake that fails is always told",
    ),
    opt(
        "ssl-verify-depth",
        Maybe {
            value: "N",
            default: "1",
        },
        Sockets,
        "Accepted; chains of client certificates are checked to the authority",
    ),
    opt(
        "ssl-sessions-use-cache",
        Maybe {
            value: "NAME",
            default: "true",
        },
        Sockets,
        "Accepted; clients resume sessions with tickets, whichever worker they meet",
    )
    .aliases(&["ssl-session-use-cache"]),
    opt(
        "ssl-sessions-timeout",
        One("SECONDS"),
        Sockets,
        "Accepted; tickets are good for half a day",
    )
    .aliases(&["ssl-session-timeout"]),
    opt(
        "https-session-context",
        One("NAME"),
        Sockets,
        "Accepted; sessions are resumed with tickets",
    ),
];

/// Options of OpenSSL that mean nothing here, and why.
const UNUSED: [(&str, &str); 3] = [
    ("ssl-option", "TLS is 1.2 or 1.3 with ciphers that are safe"),
    ("ssl-enable-tlsv1", "TLS is 1.2 or 1.3"),
    ("ssl-enable3", "TLS is 1.2 or 1.3"),
];

/// What a socket with TLS shows and asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsSettings {
    /// The certificate chain, in PEM.
    pub certificate: PathBuf,
    /// Its private key, in PEM.
    pub key: PathBuf,
    /// The authority of client certificates.
    pub client_ca: Option<ClientCa>,
}

/// Who may vouch for clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCa {
    /// Its certificates, in PEM.
    pub file: PathBuf,
    /// Whether clients without a certificate are refused.
    pub required: bool,
}

const SHAPE: &str = "ADDR,CERT,KEY[,CIPHERS[,CLIENTCA]]";

/// The address and the certificates of `https`, `https-socket` or `suwsgi-socket`.
pub(super) fn read(
    gathered: &Gathered,
    given: &Given,
) -> Result<(Address, TlsSettings), OptionError> {
    let parts = match given.opt.name {
        "https2" => named(given)?,
        _ => Parts::of(&given.value),
    };
    let (Some(at), Some(certificate), Some(key)) = (parts.address, parts.certificate, parts.key)
    else {
        return Err(given.refuse(SHAPE));
    };
    if parts.ciphers.is_some_and(|ciphers| !ciphers.is_empty()) {
        gathered.note(format!(
            "the ciphers of `{}` ({}) are not looked at: all that are offered are safe",
            given.opt.name, given.origin
        ));
    }
    let settings = TlsSettings {
        certificate: certificate.into(),
        key: key.into(),
        client_ca: parts.client_ca.map(client_ca),
    };
    Ok((address(given, at)?, settings))
}

/// Tells of options that change nothing.
pub(super) fn note_unused(gathered: &Gathered) {
    for (name, why) in UNUSED {
        if let Some(given) = gathered.last(name) {
            gathered.note(format!(
                "`{name}` ({}) changes nothing: {why}",
                given.origin
            ));
        }
    }
}

#[derive(Default)]
struct Parts<'v> {
    address: Option<&'v str>,
    certificate: Option<&'v str>,
    key: Option<&'v str>,
    ciphers: Option<&'v str>,
    client_ca: Option<&'v str>,
}

impl<'v> Parts<'v> {
    fn of(value: &'v str) -> Self {
        let mut parts = value.split(',');
        let mut next = || parts.next().filter(|part| !part.is_empty());
        Self {
            address: next(),
            certificate: next(),
            key: next(),
            ciphers: next(),
            client_ca: next(),
        }
    }
}

fn named(given: &Given) -> Result<Parts<'_>, OptionError> {
    let mut parts = Parts::default();
    for pair in given.value.split(',') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        match name {
            "addr" => parts.address = Some(value),
            "cert" | "crt" => parts.certificate = Some(value),
            "key" => parts.key = Some(value),
            "ciphers" => parts.ciphers = Some(value),
            "clientca" | "client_ca" => parts.client_ca = Some(value),
            "spdy" => {}
            _ => return Err(given.refuse("addr=, cert=, key=, ciphers= and clientca=")),
        }
    }
    Ok(parts)
}

fn client_ca(value: &str) -> ClientCa {
    ClientCa {
        file: value.strip_prefix('!').unwrap_or(value).into(),
        required: value.starts_with('!'),
    }
}
