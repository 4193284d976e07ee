//! Socket addresses as uWSGI writes them.

use std::fmt;
use std::os::fd::RawFd;
use std::path::PathBuf;
use std::str::FromStr;

/// Where to listen, or where an upstream listens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    /// A TCP host (name, IPv4, or IPv6 without brackets) and port. An empty host, as in `:8000`,
    /// is every interface to a listener and the local machine to a client.
    Tcp {
        /// Host name or address; may be empty.
        host: String,
        /// Port number; 0 lets the system choose.
        port: u16,
    },
    /// A Unix socket in the file system.
    Unix(PathBuf),
    /// A Unix socket in Linux's abstract namespace, without the leading `@`.
    Abstract(String),
    /// A descriptor that was inherited as a listening socket.
    Fd(RawFd),
}

/// A text that is no socket address; the user is at fault.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum BadAddress {
    /// Nothing at all.
    #[error("an address is needed: host:port, :port, /path, @name or fd://N")]
    Empty,
    /// `fd://` without a number.
    #[error("`{0}` names no descriptor: fd:// takes a number, as in fd://3")]
    Descriptor(String),
    /// A port that is none.
    #[error("`{0}` has no valid port: expected host:port with a port from 0 to 65535")]
    Port(String),
    /// Colons in the host without brackets.
    #[error("`{0}` is ambiguous: write an IPv6 address in brackets, as in [::1]:8000")]
    Brackets(String),
}

impl FromStr for Address {
    type Err = BadAddress;

    fn from_str(text: &str) -> Result<Self, BadAddress> {
        if text.is_empty() {
            return Err(BadAddress::Empty);
        }
        if let Some(number) = text.strip_prefix("fd://") {
            let fd = number.parse().ok().filter(|&fd| fd >= 0);
            return fd
                .map(Self::Fd)
                .ok_or_else(|| BadAddress::Descriptor(text.into()));
        }
        if let Some(name) = text.strip_prefix('@') {
            return Ok(Self::Abstract(name.into()));
        }
        if let Some(path) = text.strip_prefix("unix:") {
            return Ok(Self::Unix(path.strip_prefix("//").unwrap_or(path).into()));
        }
        // Like uWSGI: what holds no colon, or starts as a path does, is a Unix socket.
        if text.starts_with(['/', '.']) || !text.contains(':') {
            return Ok(Self::Unix(text.into()));
        }
        tcp(text)
    }
}

fn tcp(text: &str) -> Result<Address, BadAddress> {
    let (host, port) = text
        .rsplit_once(':')
        .ok_or_else(|| BadAddress::Port(text.into()))?;
    let port = digits(port).ok_or_else(|| BadAddress::Port(text.into()))?;
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    if bare.is_none() && host.contains(':') {
        return Err(BadAddress::Brackets(text.into()));
    }
    Ok(Address::Tcp {
        host: bare.unwrap_or(host).into(),
        port,
    })
}

/// A port of digits only: `parse` alone would take a plus sign.
fn digits(port: &str) -> Option<u16> {
    port.bytes()
        .all(|b| b.is_ascii_digit())
        .then(|| port.parse().ok())?
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
            Self::Unix(path) => write!(f, "{}", path.display()),
            Self::Abstract(name) => write!(f, "@{name}"),
            Self::Fd(fd) => write!(f, "fd://{fd}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_reads(text: &str, expected: Address) {
        assert_eq!(text.parse(), Ok(expected), "{text}");
    }

    fn tcp(host: &str, port: u16) -> Address {
        Address::Tcp {
            host: host.into(),
            port,
        }
    }

    #[test]
    fn a_colon_makes_it_tcp() {
        assert_reads("127.0.0.1:8000", tcp("127.0.0.1", 8000));
        assert_reads("localhost:0", tcp("localhost", 0));
        assert_reads(":9000", tcp("", 9000));
    }

    #[test]
    fn ipv6_stands_in_brackets() {
        assert_reads("[::1]:80", tcp("::1", 80));
        assert_eq!(
            "::1:80".parse::<Address>(),
            Err(BadAddress::Brackets("::1:80".into()))
        );
    }

    #[test]
    fn a_path_makes_it_unix() {
        assert_reads("/run/app.sock", Address::Unix("/run/app.sock".into()));
        assert_reads("app.sock", Address::Unix("app.sock".into()));
        assert_reads("/tmp/a:b", Address::Unix("/tmp/a:b".into()));
        assert_reads("unix:/run/app.sock", Address::Unix("/run/app.sock".into()));
        assert_reads(
            "unix:///run/app.sock",
            Address::Unix("/run/app.sock".into()),
        );
    }

    #[test]
    fn an_at_sign_makes_it_abstract() {
        assert_reads("@app", Address::Abstract("app".into()));
    }

    #[test]
    fn a_descriptor_is_a_number() {
        assert_reads("fd://3", Address::Fd(3));
        assert_eq!(
            "fd://x".parse::<Address>(),
            Err(BadAddress::Descriptor("fd://x".into()))
        );
    }

    #[test]
    fn a_port_is_digits_up_to_65535() {
        for text in ["host:", "host:65536", "host:+80", "host:8080;"] {
            assert_eq!(text.parse::<Address>(), Err(BadAddress::Port(text.into())));
        }
    }

    #[test]
    fn display_gives_back_what_was_read() {
        for text in ["[::1]:80", ":9000", "/run/a.sock", "@a", "fd://3"] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
    }
}
