//! Connections to an upstream.

use std::io;
use std::path::Path;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::sleep;

use crate::socket::Address;

/// A connection to an upstream; both directions may be used at a time.
#[derive(Debug)]
pub(super) enum Link {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Link {
    /// Connects. It waits while the queue of a Unix socket is full, as it would over TCP; the caller
    /// bounds the time.
    ///
    /// # Errors
    /// Those of the system: nobody listens, no such file or name.
    pub(super) async fn open(address: &Address) -> io::Result<Self> {
        match address {
            Address::Tcp { host, port } => tcp(host, *port).await.map(Self::Tcp),
            Address::Unix(path) => unix(path).await.map(Self::Unix),
            Address::Abstract(name) => unix(Path::new(&format!("\0{name}"))).await.map(Self::Unix),
            Address::Fd(_) => Err(io::Error::other("a descriptor cannot be connected to")),
        }
    }

    /// Appends what has come, waiting for something; 0 at the end.
    pub(super) async fn read(&self, buffer: &mut BytesMut) -> io::Result<usize> {
        loop {
            let read = match self {
                Self::Tcp(stream) => {
                    stream.readable().await?;
                    stream.try_read_buf(buffer)
                }
                Self::Unix(stream) => {
                    stream.readable().await?;
                    stream.try_read_buf(buffer)
                }
            };
            match read {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => return read,
            }
        }
    }

    /// Takes what the upstream takes off the front of `bytes`, waiting until it takes something.
    pub(super) async fn write(&self, bytes: &mut BytesMut) -> io::Result<()> {
        loop {
            let written = match self {
                Self::Tcp(stream) => {
                    stream.writable().await?;
                    stream.try_write(bytes)
                }
                Self::Unix(stream) => {
                    stream.writable().await?;
                    stream.try_write(bytes)
                }
            };
            match written {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                written => return written.map(|count| bytes.advance(count)),
            }
        }
    }

    /// Whether nothing has come, not even the end.
    pub(super) fn is_quiet(&self) -> bool {
        let read = match self {
            Self::Tcp(stream) => stream.try_read(&mut [0]),
            Self::Unix(stream) => stream.try_read(&mut [0]),
        };
        read.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }
}

async fn tcp(host: &str, port: u16) -> io::Result<TcpStream> {
    let host = if host.is_empty() { "localhost" } else { host };
    let stream = TcpStream::connect((host, port)).await?;
    // Small records would wait for the acknowledgement of the one before.
    stream.set_nodelay(true)?;
    Ok(stream)
}

async fn unix(path: &Path) -> io::Result<UnixStream> {
    loop {
        match UnixStream::connect(path).await {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                sleep(Duration::from_millis(1)).await;
            }
            done => return done,
        }
    }
}
