//! Addresses as command lines spell them:
//! `[proto://](HOST:PORT | /path | unix:/path | @abstract)`.

use std::{
    ffi::OsStr, fmt, io, net::ToSocketAddrs, os::unix::ffi::OsStrExt, path::PathBuf, str::FromStr,
};

use socket2::SockAddr;

use crate::model::Model;

/// Longest name of a Unix socket in bytes: `sun_path` without its terminator.
pub const UNIX_NAME_MAX: usize = 107;

/// Where a socket is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    /// `host:port`; an IPv6 host is in brackets.
    Tcp(String),
    /// A Unix socket in the file system.
    Unix(PathBuf),
    /// A Unix socket in Linux's abstract namespace: its name without the leading NUL.
    Abstract(Vec<u8>),
}

impl Address {
    /// Everything that the address may mean, in the resolver's order: `localhost` has two families.
    ///
    /// # Errors
    /// The host does not resolve, or the name of a Unix socket does not fit.
    pub fn resolve(&self) -> io::Result<Vec<SockAddr>> {
        match self {
            Self::Tcp(host_port) => Ok(host_port.to_socket_addrs()?.map(SockAddr::from).collect()),
            Self::Unix(path) => Ok(vec![SockAddr::unix(path)?]),
            Self::Abstract(name) => {
                let with_nul = [b"\0", name.as_slice()].concat();
                Ok(vec![SockAddr::unix(OsStr::from_bytes(&with_nul))?])
            }
        }
    }

    /// The word for the kind of socket in results: `tcp` or `unix`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Tcp(_) => "tcp",
            Self::Unix(_) | Self::Abstract(_) => "unix",
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(host_port) => f.write_str(host_port),
            Self::Unix(path) if path.is_absolute() => path.display().fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Abstract(name) => write!(f, "@{}", String::from_utf8_lossy(name)),
        }
    }
}

/// An address and, where it was given, the protocol spoken there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// `fastcgi`, `uwsgi`, `scgi` or `http`; never `cgi`, which no socket speaks.
    pub protocol: Option<Model>,
    /// Where it is.
    pub address: Address,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.protocol {
            Some(protocol) => write!(f, "{protocol}://{}", self.address),
            None => self.address.fmt(f),
        }
    }
}

/// An address that cannot be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum BadAddress {
    #[error("address is empty; expected HOST:PORT, /path, unix:/path or @name")]
    Empty,
    #[error("unknown protocol `{0}`; an address may start with fastcgi, uwsgi, scgi or http")]
    Protocol(String),
    #[error("address `{0}` takes no protocol here; write `{1}`")]
    UnwantedProtocol(String, String),
    #[error("address `{0}` has no port; expected HOST:PORT, /path, unix:/path or @name")]
    NoPort(String),
    #[error("address `{0}` has no host; write 127.0.0.1{0}")]
    NoHost(String),
    #[error("`{port}` in `{address}` is no port; ports are 1 to 65535")]
    Port { port: String, address: String },
    #[error("IPv6 host in `{0}` needs brackets, as in [::1]:9000")]
    Brackets(String),
    #[error("Unix socket name of {len} bytes is too long, {UNIX_NAME_MAX} fit: `{name}`")]
    TooLong { len: usize, name: String },
}

impl FromStr for Address {
    type Err = BadAddress;

    fn from_str(text: &str) -> Result<Self, BadAddress> {
        let endpoint: Endpoint = text.parse()?;
        match endpoint.protocol {
            None => Ok(endpoint.address),
            Some(_) => Err(BadAddress::UnwantedProtocol(
                text.to_owned(),
                endpoint.address.to_string(),
            )),
        }
    }
}

impl FromStr for Endpoint {
    type Err = BadAddress;

    fn from_str(text: &str) -> Result<Self, BadAddress> {
        let (protocol, rest) = match text.split_once("://") {
            Some((word, rest)) if word != "unix" => (Some(protocol(word)?), rest),
            _ => (None, text),
        };
        let address = match unix_name(rest) {
            Some(name) => unix(name)?,
            None => tcp(rest, protocol)?,
        };
        Ok(Self { protocol, address })
    }
}

fn protocol(word: &str) -> Result<Model, BadAddress> {
    match word.parse::<Model>() {
        Ok(model) if !model.is_cgi() => Ok(model),
        _ => Err(BadAddress::Protocol(word.to_owned())),
    }
}

/// The path or `@name` of a Unix socket, or `None` where the text means TCP.
fn unix_name(text: &str) -> Option<&str> {
    if text.starts_with(['/', '@']) {
        return Some(text);
    }
    let path = text.strip_prefix("unix:")?;
    Some(path.strip_prefix("//").unwrap_or(path))
}

fn unix(name: &str) -> Result<Address, BadAddress> {
    if name.is_empty() || name == "@" {
        return Err(BadAddress::Empty);
    }
    if name.len() > UNIX_NAME_MAX {
        return Err(BadAddress::TooLong {
            len: name.len(),
            name: name.to_owned(),
        });
    }
    Ok(match name.strip_prefix('@') {
        Some(abstract_name) => Address::Abstract(abstract_name.as_bytes().to_vec()),
        None => Address::Unix(PathBuf::from(name)),
    })
}

/// `host:port`; `http://host` alone means port 80, and a lone slash at its end means nothing.
fn tcp(text: &str, protocol: Option<Model>) -> Result<Address, BadAddress> {
    let text = match protocol {
        Some(_) => text.strip_suffix('/').unwrap_or(text),
        None => text,
    };
    if text.is_empty() {
        return Err(BadAddress::Empty);
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port),
        _ if protocol == Some(Model::Http) => (text, "80"),
        _ => return Err(BadAddress::NoPort(text.to_owned())),
    };
    if host.is_empty() {
        return Err(BadAddress::NoHost(text.to_owned()));
    }
    if host.contains(':') && !(host.starts_with('[') && host.ends_with(']')) {
        return Err(BadAddress::Brackets(text.to_owned()));
    }
    match port.parse::<u16>() {
        Ok(number) if number > 0 => Ok(Address::Tcp(format!("{host}:{number}"))),
        _ => Err(BadAddress::Port {
            port: port.to_owned(),
            address: text.to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_reads(text: &str, protocol: Option<Model>, address: Address) {
        let expected = Endpoint { protocol, address };
        assert_eq!(text.parse(), Ok(expected.clone()));
        assert_eq!(expected.to_string().parse(), Ok(expected), "printed again");
    }

    fn tcp(host_port: &str) -> Address {
        Address::Tcp(host_port.to_owned())
    }

    #[track_caller]
    fn assert_refused(text: &str, message: &str) {
        let error = text.parse::<Endpoint>().unwrap_err();
        assert_eq!(error.to_string(), message);
    }

    #[test]
    fn host_and_port_are_tcp() {
        assert_reads("127.0.0.1:9000", None, tcp("127.0.0.1:9000"));
        assert_reads("[::1]:9000", None, tcp("[::1]:9000"));
    }

    #[test]
    fn a_path_is_a_unix_socket_with_and_without_prefix() {
        let socket = Address::Unix("/run/app.sock".into());
        for text in [
            "/run/app.sock",
            "unix:/run/app.sock",
            "unix:///run/app.sock",
        ] {
            assert_reads(text, None, socket.clone());
        }
        assert_reads("unix:app.sock", None, Address::Unix("app.sock".into()));
    }

    #[test]
    fn an_at_sign_is_the_abstract_namespace() {
        assert_reads("@app", None, Address::Abstract(b"app".to_vec()));
    }

    #[test]
    fn a_protocol_may_stand_in_front() {
        assert_reads(
            "fastcgi://127.0.0.1:9000",
            Some(Model::FastCgi),
            tcp("127.0.0.1:9000"),
        );
        let socket = Address::Unix("/run/app.sock".into());
        assert_reads("uwsgi:///run/app.sock", Some(Model::Uwsgi), socket.clone());
        assert_reads("scgi://unix:/run/app.sock", Some(Model::Scgi), socket);
    }

    #[test]
    fn http_has_a_port_by_default_and_may_end_in_a_slash() {
        assert_reads("http://localhost", Some(Model::Http), tcp("localhost:80"));
        assert_reads("http://[::1]", Some(Model::Http), tcp("[::1]:80"));
        assert_reads("http://[::1]:81/", Some(Model::Http), tcp("[::1]:81"));
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert_refused(
            "cgi://127.0.0.1:9000",
            "unknown protocol `cgi`; an address may start with fastcgi, uwsgi, scgi or http",
        );
        assert_refused(
            "localhost",
            "address `localhost` has no port; expected HOST:PORT, /path, unix:/path or @name",
        );
        assert_refused(":9000", "address `:9000` has no host; write 127.0.0.1:9000");
        assert_refused(
            "localhost:http",
            "`http` in `localhost:http` is no port; ports are 1 to 65535",
        );
        assert_refused(
            "::1:9000",
            "IPv6 host in `::1:9000` needs brackets, as in [::1]:9000",
        );
        assert_refused(
            "unix:",
            "address is empty; expected HOST:PORT, /path, unix:/path or @name",
        );
    }

    #[test]
    fn a_socket_path_must_fit_the_kernel() {
        let fits = format!("/{}", "a".repeat(UNIX_NAME_MAX - 1));
        assert!(fits.parse::<Address>().unwrap().resolve().is_ok());
        let error = format!("{fits}b").parse::<Address>().unwrap_err();
        assert!(matches!(error, BadAddress::TooLong { len: 108, .. }));
    }

    #[test]
    fn a_plain_address_refuses_a_protocol() {
        let error = "http://127.0.0.1:80".parse::<Address>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "address `http://127.0.0.1:80` takes no protocol here; write `127.0.0.1:80`"
        );
    }

    #[test]
    fn abstract_names_resolve_with_their_leading_nul() {
        let resolved = Address::Abstract(b"app".to_vec()).resolve().unwrap();
        assert_eq!(resolved[0].as_abstract_namespace(), Some(&b"app"[..]));
    }
}
