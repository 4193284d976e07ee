//! Connections to an upstream.

use std::io;
use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::sleep;

use crate::socket::Address;

/// The two directions of a connection.
pub(super) struct Connection {
    pub(super) reader: Box<dyn AsyncRead + Unpin>,
    pub(super) writer: Box<dyn AsyncWrite + Unpin>,
}

/// Connects. It waits while the queue of a Unix socket is full, as it would over TCP; the caller
/// bounds the time.
///
/// # Errors
/// Those of the system: nobody listens, no such file or name.
pub(super) async fn connect(address: &Address) -> io::Result<Connection> {
    match address {
        Address::Tcp { host, port } => tcp(host, *port).await,
        Address::Unix(path) => unix(path).await,
        Address::Abstract(name) => unix(Path::new(&format!("\0{name}"))).await,
        Address::Fd(_) => Err(io::Error::other("a descriptor cannot be connected to")),
    }
}

async fn tcp(host: &str, port: u16) -> io::Result<Connection> {
    let host = if host.is_empty() { "localhost" } else { host };
    let stream = TcpStream::connect((host, port)).await?;
    // Small records would wait for the acknowledgement of the one before.
    stream.set_nodelay(true)?;
    let (reader, writer) = stream.into_split();
    Ok(Connection {
        reader: Box::new(reader),
        writer: Box::new(writer),
    })
}

async fn unix(path: &Path) -> io::Result<Connection> {
    let stream = loop {
        match UnixStream::connect(path).await {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                sleep(Duration::from_millis(1)).await;
            }
            done => break done?,
        }
    };
    let (reader, writer) = stream.into_split();
    Ok(Connection {
        reader: Box::new(reader),
        writer: Box::new(writer),
    })
}
