//! A listening socket inside a worker.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::rc::Rc;

use socket2::Socket;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::Stream;
use super::bind::Bound;
use super::register::register;
use super::tls::Secrets;

/// Accepts connections; other workers may accept from the same socket.
pub(crate) struct Listener {
    socket: AsyncFd<Rc<Socket>>,
    secrets: Option<Secrets>,
}

impl Listener {
    /// Registers a listening, non-blocking socket with the event loop.
    pub(crate) fn new(bound: &Bound) -> io::Result<Self> {
        let socket = bound.socket().try_clone()?;
        Ok(Self {
            socket: register(Rc::new(socket), Interest::READABLE)?,
            secrets: bound.secrets(),
        })
    }

    /// The next connection, and the peer's address if it is an internet address.
    pub(crate) async fn accept(&self) -> io::Result<(Stream, Option<SocketAddr>)> {
        loop {
            match self
                .socket
                .async_io(Interest::READABLE, |socket| socket.accept())
                .await
            {
                Ok((socket, peer)) => {
                    let stream = match &self.secrets {
                        None => Stream::new(socket),
                        Some(secrets) => Stream::secure(socket, secrets)?,
                    };
                    return Ok((stream, peer.as_socket()));
                }
                // The client gave up while it waited in the queue.
                Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
                Err(error) => return Err(error),
            }
        }
    }
}
