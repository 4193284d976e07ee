//! Connections to an upstream.

use std::io::{self, IoSlice};
use std::path::Path;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use socket2::{Domain, SockAddr, Socket, Type};
use tokio::net::TcpStream;
use tokio::time::sleep;

use crate::socket::{Address, Stream};

/// A connection to an upstream; both directions may be used at a time.
#[derive(Debug)]
pub(super) struct Link(Stream);

impl Link {
    /// Connects. It waits while the queue of a Unix socket is full, as it would over TCP; the caller
    /// bounds the time.
    ///
    /// # Errors
    /// Those of the system: nobody listens, no such file or name.
    pub(super) async fn open(address: &Address) -> io::Result<Self> {
        let socket = match address {
            Address::Tcp { host, port } => tcp(host, *port).await?,
            Address::Unix(path) => unix(path).await?,
            Address::Abstract(name) => unix(Path::new(&format!("\0{name}"))).await?,
            Address::Fd(_) => return Err(io::Error::other("a descriptor cannot be connected to")),
        };
        Ok(Self(Stream::new(socket)))
    }

    /// Appends what has come, waiting for something; 0 at the end.
    pub(super) async fn read(&self, buffer: &mut BytesMut) -> io::Result<usize> {
        let stream = &self.0;
        stream.when_readable(|| stream.try_read(buffer)).await
    }

    /// Takes what the upstream takes off the front of `bytes`, waiting until it takes something.
    pub(super) async fn write(&self, bytes: &mut BytesMut) -> io::Result<()> {
        let write = || self.0.try_write(&[IoSlice::new(bytes)], false);
        let written = match write() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.0.when_writable(write).await?
            }
            written => written?,
        };
        bytes.advance(written);
        Ok(())
    }

    /// Whether nothing has come, not even the end.
    pub(super) fn is_quiet(&self) -> bool {
        let read = self.0.try_read(&mut BytesMut::with_capacity(1));
        read.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }
}

async fn tcp(host: &str, port: u16) -> io::Result<Socket> {
    let host = if host.is_empty() { "localhost" } else { host };
    let stream = TcpStream::connect((host, port)).await?;
    // Small records would wait for the acknowledgement of the one before.
    stream.set_nodelay(true)?;
    Ok(stream.into_std()?.into())
}

/// A Unix socket is connected at once or not at all, so that the event loop need not know of it.
async fn unix(path: &Path) -> io::Result<Socket> {
    let address = SockAddr::unix(path)?;
    loop {
        let socket = Socket::new(Domain::UNIX, Type::STREAM.nonblocking(), None)?;
        match socket.connect(&address) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                sleep(Duration::from_millis(1)).await;
            }
            done => return done.map(|()| socket),
        }
    }
}
