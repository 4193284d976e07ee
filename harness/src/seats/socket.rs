//! Where the bench listens in a backend's place, by TCP, TLS and Unix sockets alike.

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
    io::{AsyncRead, AsyncWriteExt, WriteHalf, split},
    net::{TcpListener, TcpStream, UnixListener, UnixStream, tcp, unix},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use super::tls;
use crate::address::Address;

/// A listening socket.
pub(super) enum Listener {
    Tcp(TcpListener),
    Tls(TcpListener, TlsAcceptor),
    Unix(UnixListener),
}

/// A connection from a gateway.
pub(super) enum Stream {
    Tcp(TcpStream),
    /// Before its handshake.
    Tls(TcpStream, TlsAcceptor),
    Unix(UnixStream),
}

/// The half that is read.
pub(super) type Reader = Box<dyn AsyncRead + Send + Unpin>;

/// The half that is written.
pub(super) enum Writer {
    Tcp(tcp::OwnedWriteHalf),
    Tls(WriteHalf<TlsStream<TcpStream>>),
    Unix(unix::OwnedWriteHalf),
}

/// How many connections may wait.
const BACKLOG: i32 = 1024;

/// Listens at everything that the address means.
///
/// # Errors
/// The address is taken, does not resolve, or may not be used.
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

/// The same, where TLS is spoken on what is no Unix socket.
///
/// # Errors
/// Those of [`listen`], and where no key can be made.
pub(super) fn listen_tls(at: &Address) -> io::Result<Vec<Listener>> {
    let acceptor = tls::acceptor()?;
    let secured = |listener| match listener {
        Listener::Tcp(listener) => Listener::Tls(listener, acceptor.clone()),
        other => other,
    };
    Ok(listen(at)?.into_iter().map(secured).collect())
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
            Self::Tcp(listener) => Ok(Stream::Tcp(undelayed(listener).await?)),
            Self::Tls(listener, acceptor) => {
                let stream = undelayed(listener).await?;
                Ok(Stream::Tls(stream, acceptor.clone()))
            }
            Self::Unix(listener) => Ok(Stream::Unix(listener.accept().await?.0)),
        }
    }
}

/// The next connection, on which what a scenario writes leaves at once, piece by piece.
async fn undelayed(listener: &TcpListener) -> io::Result<TcpStream> {
    let (stream, _) = listener.accept().await?;
    stream.set_nodelay(true).ok();
    Ok(stream)
}

impl Stream {
    /// The process at the other end, where the system tells it.
    pub(super) fn peer(&self) -> Option<i32> {
        match self {
            Self::Tcp(_) | Self::Tls(..) => None,
            Self::Unix(stream) => stream.peer_cred().ok()?.pid().filter(|pid| *pid > 0),
        }
    }

    /// Both halves, once the peer may send.
    ///
    /// # Errors
    /// The peer's handshake fails.
    pub(super) async fn split(self) -> io::Result<(Reader, Writer)> {
        Ok(match self {
            Self::Tcp(stream) => {
                let (reader, writer) = stream.into_split();
                (Box::new(reader), Writer::Tcp(writer))
            }
            Self::Tls(stream, acceptor) => {
                let (reader, writer) = split(acceptor.accept(stream).await?);
                (Box::new(reader), Writer::Tls(writer))
            }
            Self::Unix(stream) => {
                let (reader, writer) = stream.into_split();
                (Box::new(reader), Writer::Unix(writer))
            }
        })
    }
}

impl Writer {
    pub(super) async fn write(&mut self, octets: &[u8]) -> io::Result<()> {
        match self {
            Self::Tcp(writer) => writer.write_all(octets).await,
            Self::Tls(writer) => {
                writer.write_all(octets).await?;
                writer.flush().await
            }
            Self::Unix(writer) => writer.write_all(octets).await,
        }
    }

    pub(super) async fn end(&mut self) {
        // A peer that is gone already needs no end.
        match self {
            Self::Tcp(writer) => writer.shutdown().await.ok(),
            Self::Tls(writer) => writer.shutdown().await.ok(),
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
            // Its socket closes without the alert that ends TLS: a cut.
            Self::Tls(writer) => drop(writer),
            Self::Unix(writer) => writer.forget(),
        }
    }
}
