//! By which kind of address a gateway is told where its backend is.

use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, TcpListener},
    path::Path,
};

use crate::address::Address;

/// A kind of address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Approach {
    /// A Unix socket.
    Unix,
    /// An IPv4 address and a port.
    Tcp,
    /// The name `localhost` and a port, which means `127.0.0.1` and `::1`.
    Localhost,
    /// An IPv6 address and a port.
    Ipv6,
    /// An IPv4 address and a port, and TLS on the connection (nginx: `suwsgi://`, `https://`).
    Tls,
}

impl Approach {
    /// An address of this kind that is free in this moment; `socket` is the Unix one.
    ///
    /// # Errors
    /// The machine has no free port, or none of IPv6.
    pub fn address(self, socket: &Path) -> io::Result<Address> {
        let host = match self {
            Self::Unix => return Ok(Address::Unix(socket.to_owned())),
            Self::Tcp | Self::Tls => "127.0.0.1",
            Self::Localhost => "localhost",
            Self::Ipv6 => "[::1]",
        };
        let port = match self {
            Self::Ipv6 => TcpListener::bind((Ipv6Addr::LOCALHOST, 0))?,
            _ => TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?,
        };
        let port = port.local_addr()?.port();
        Ok(Address::Tcp(format!("{host}:{port}")))
    }

    /// Whether it is a Unix socket, where the bench's backends listen.
    pub fn is_unix(self) -> bool {
        self == Self::Unix
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_an_address_that_can_be_listened_at() {
        let socket = Path::new("/run/gb/s.sock");
        let of = |approach: Approach| approach.address(socket).unwrap().to_string();
        assert_eq!(of(Approach::Unix), "/run/gb/s.sock");
        assert!(of(Approach::Tcp).starts_with("127.0.0.1:"));
        assert!(of(Approach::Tls).starts_with("127.0.0.1:"));
        assert!(of(Approach::Localhost).starts_with("localhost:"));
        if TcpListener::bind("[::1]:0").is_ok() {
            assert!(of(Approach::Ipv6).starts_with("[::1]:"));
        }
    }
}
