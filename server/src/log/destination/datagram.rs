//! Messages as datagrams: `socket:ADDR`.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;

/// A socket and where it sends. It is not connected, so that a receiver may come and go.
#[derive(Debug)]
pub(super) enum Sender {
    Udp(UdpSocket, SocketAddr),
    Unix(UnixDatagram, PathBuf),
}

impl Sender {
    /// Sends to `HOST:PORT`, to `HOST` at `default_port` if there is one, or to a Unix socket.
    ///
    /// # Errors
    /// A name that has no address.
    pub(super) fn new(address: &str, default_port: Option<u16>) -> io::Result<Self> {
        let udp = match (address.contains(':'), default_port) {
            _ if address.starts_with('/') => None,
            (true, _) => Some(resolve(address)?),
            (false, Some(port)) => Some(resolve(&format!("{address}:{port}"))?),
            (false, None) => None,
        };
        let Some(address) = udp else {
            let socket = UnixDatagram::unbound()?;
            // A receiver that does not read must not hold up the log.
            socket.set_nonblocking(true)?;
            return Ok(Self::Unix(socket, address.into()));
        };
        let any = if address.is_ipv6() {
            "[::]:0"
        } else {
            "0.0.0.0:0"
        };
        Ok(Self::Udp(UdpSocket::bind(any)?, address))
    }

    pub(super) fn send(&self, message: &[u8]) -> io::Result<()> {
        match self {
            Self::Udp(socket, address) => socket.send_to(message, address)?,
            Self::Unix(socket, path) => socket.send_to(message, path)?,
        };
        Ok(())
    }
}

fn resolve(address: &str) -> io::Result<SocketAddr> {
    let found = address.to_socket_addrs().and_then(|mut found| {
        let none = || io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        found.next().ok_or_else(none)
    });
    found.map_err(|error| io::Error::new(error.kind(), format!("{address}: {error}")))
}

/// Each message is a datagram, behind a text that is always the same.
#[derive(Debug)]
pub(in super::super) struct Datagrams {
    sender: Sender,
    prefix: Vec<u8>,
}

impl Datagrams {
    pub(super) fn new(address: &str, prefix: &str) -> io::Result<Self> {
        Ok(Self {
            sender: Sender::new(address, None)?,
            prefix: prefix.into(),
        })
    }

    pub(super) fn send(&self, message: &[u8]) -> io::Result<()> {
        if self.prefix.is_empty() {
            return self.sender.send(message);
        }
        self.sender.send(&[&self.prefix, message].concat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receiver_may_come_later() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.sock");
        let datagrams = Datagrams::new(path.to_str().unwrap(), "shop ").unwrap();
        assert!(datagrams.send(b"lost").is_err());
        let receiver = UnixDatagram::bind(&path).unwrap();
        datagrams.send(b"found\n").unwrap();
        let mut packet = [0; 64];
        let size = receiver.recv(&mut packet).unwrap();
        assert_eq!(&packet[..size], b"shop found\n");
    }
}
