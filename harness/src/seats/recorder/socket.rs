//! The recorder's sockets, TCP and Unix alike.

use std::{
    fs, io,
    os::unix::{
        fs::{FileTypeExt, PermissionsExt},
        net,
    },
    path::Path,
};

use socket2::{Domain, SockAddr, SockRef, Socket, Type};
use tokio::{
    io::{AsyncRead, AsyncWriteExt},
    net::{TcpListener, TcpStream, UnixListener, UnixStream, tcp, unix},
};

use crate::address::Address;

/// A listening socket.
pub(super) enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// A connection from a gateway.
pub(super) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// The half that is read.
pub(super) type Reader = Box<dyn AsyncRead + Send + Unpin>;

/// The half that is written.
pub(super) enum Writer {
    Tcp(tcp::OwnedWriteHalf),
    Unix(unix::OwnedWriteHalf),
}

/// How many connections may wait.
const BACKLOG: i32 = 1024;

/// Listens at everything that the address means.
pub(super) fn listen(at: &Address) -> io::Result<Vec<Listener>> {
    if let Address::Unix(path) = at
        && is_left_over(path)
    {
        fs::remove_file(path)?;
    }
    let listeners: Vec<Listener> = at.resolve()?.iter().map(bind).collect::<io::Result<_>>()?;
    if let Address::Unix(path) = at {
        // The workers of a gateway run as another user.
        fs::set_permissions(path, fs::Permissions::from_mode(0o666))?;
    }
    Ok(listeners)
}

/// Whether a socket is there on which nobody listens any more.
fn is_left_over(path: &Path) -> bool {
    let is_socket = fs::symlink_metadata(path).is_ok_and(|at| at.file_type().is_socket());
    let refused = |error: &io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
    is_socket && net::UnixStream::connect(path).is_err_and(|error| refused(&error))
}

fn bind(address: &SockAddr) -> io::Result<Listener> {
    let socket = Socket::new(address.domain(), Type::STREAM, None)?;
    let is_unix = address.domain() == Domain::UNIX;
    if !is_unix {
        socket.set_reuse_address(true)?;
    }
    socket.bind(address)?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(match is_unix {
        true => Listener::Unix(UnixListener::from_std(socket.into())?),
        false => Listener::Tcp(TcpListener::from_std(socket.into())?),
    })
}

impl Listener {
    pub(super) async fn accept(&self) -> io::Result<Stream> {
        match self {
            Self::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                // What a scenario writes leaves at once, piece by piece.
                stream.set_nodelay(true).ok();
                Ok(Stream::Tcp(stream))
            }
            Self::Unix(listener) => Ok(Stream::Unix(listener.accept().await?.0)),
        }
    }
}

impl Stream {
    /// The process at the other end, where the system tells it.
    pub(super) fn peer(&self) -> Option<i32> {
        match self {
            Self::Tcp(_) => None,
            Self::Unix(stream) => stream.peer_cred().ok()?.pid().filter(|pid| *pid > 0),
        }
    }

    pub(super) fn split(self) -> (Reader, Writer) {
        match self {
            Self::Tcp(stream) => {
                let (reader, writer) = stream.into_split();
                (Box::new(reader), Writer::Tcp(writer))
            }
            Self::Unix(stream) => {
                let (reader, writer) = stream.into_split();
                (Box::new(reader), Writer::Unix(writer))
            }
        }
    }
}

impl Writer {
    pub(super) async fn write(&mut self, octets: &[u8]) -> io::Result<()> {
        match self {
            Self::Tcp(writer) => writer.write_all(octets).await,
            Self::Unix(writer) => writer.write_all(octets).await,
        }
    }

    pub(super) async fn end(&mut self) {
        // A peer that is gone already needs no end.
        match self {
            Self::Tcp(writer) => writer.shutdown().await.ok(),
            Self::Unix(writer) => writer.shutdown().await.ok(),
        };
    }

    /// Makes the close that follows a reset, where the socket has one.
    pub(super) fn reset(self) {
        match self {
            Self::Tcp(writer) => {
                SockRef::from(writer.as_ref())
                    .set_linger(Some(std::time::Duration::ZERO))
                    .ok();
                writer.forget();
            }
            Self::Unix(writer) => writer.forget(),
        }
    }
}
