//! A stream socket of either family, with the ends that TCP alone cannot spell portably.

use std::{io, net::Shutdown, time::Duration};

use socket2::{Domain, SockRef, Socket as Raw, Type};
use tokio::{
    net::{TcpStream, UnixStream},
    time::timeout,
};

use crate::address::Address;

/// How long a server may take to accept: a full queue would hold the bench up for minutes.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// A connected socket that several may use: one reads, another writes.
pub(super) enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Socket {
    /// Connects to the first of what the address may mean that takes it.
    ///
    /// # Errors
    /// What the system said to the last one.
    pub(super) async fn connect(to: &Address) -> io::Result<Self> {
        let connected = timeout(CONNECT_WITHIN, Self::any_of(to)).await;
        connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }

    async fn any_of(to: &Address) -> io::Result<Self> {
        let mut last = io::Error::other("the address means nothing");
        for address in to.resolve()? {
            let connected = match address.as_socket() {
                Some(address) => TcpStream::connect(address).await.map(Self::Tcp),
                None => unix(&address).map(Self::Unix),
            };
            match connected {
                Ok(socket) => {
                    if let Self::Tcp(stream) = &socket {
                        // What is written leaves at once, in the pieces that the step says.
                        stream.set_nodelay(true).ok();
                    }
                    return Ok(socket);
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Reads what is there, waiting for the first octet; 0 is the end.
    pub(super) async fn read(&self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = match self {
                Self::Tcp(stream) => {
                    stream.readable().await?;
                    stream.try_read(buf)
                }
                Self::Unix(stream) => {
                    stream.readable().await?;
                    stream.try_read(buf)
                }
            };
            match read {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => return read,
            }
        }
    }

    /// Writes what fits, waiting for room.
    pub(super) async fn write(&self, octets: &[u8]) -> io::Result<usize> {
        loop {
            let written = match self {
                Self::Tcp(stream) => {
                    stream.writable().await?;
                    stream.try_write(octets)
                }
                Self::Unix(stream) => {
                    stream.writable().await?;
                    stream.try_write(octets)
                }
            };
            match written {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                written => return written,
            }
        }
    }

    /// Ends the sending direction.
    pub(super) fn half_close(&self) -> io::Result<()> {
        self.raw().shutdown(Shutdown::Write)
    }

    /// Makes the close that follows a reset, over TCP.
    pub(super) fn linger_zero(&self) {
        if let Self::Tcp(stream) = self {
            SockRef::from(stream).set_linger(Some(Duration::ZERO)).ok();
        }
    }

    fn raw(&self) -> SockRef<'_> {
        match self {
            Self::Tcp(stream) => SockRef::from(stream),
            Self::Unix(stream) => SockRef::from(stream),
        }
    }
}

/// A Unix socket, in the file system or abstract. Connecting to one never waits but for a full
/// queue, which is an answer as well.
fn unix(to: &socket2::SockAddr) -> io::Result<UnixStream> {
    let raw = Raw::new(Domain::UNIX, Type::STREAM, None)?;
    raw.set_nonblocking(true)?;
    raw.connect(to)?;
    UnixStream::from_std(raw.into())
}
