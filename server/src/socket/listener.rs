//! A listening socket inside a worker.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::rc::Rc;

use socket2::Socket;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::Stream;
use super::register::register;

/// Accepts connections; other workers may accept from the same socket.
pub(crate) struct Listener {
    socket: AsyncFd<Rc<Socket>>,
}

impl Listener {
    /// Registers a listening, non-blocking socket with the event loop.
    pub(crate) fn new(socket: Socket) -> io::Result<Self> {
        let socket = register(Rc::new(socket), Interest::READABLE)?;
        Ok(Self { socket })
    }

    /// The next connection, and the peer's address if it is an internet address.
    pub(crate) async fn accept(&self) -> io::Result<(Stream, Option<SocketAddr>)> {
        loop {
            match self
                .socket
                .async_io(Interest::READABLE, |socket| socket.accept())
                .await
            {
                Ok((socket, peer)) => return Ok((Stream::new(socket), peer.as_socket())),
                // The client gave up while it waited in the queue.
                Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
                Err(error) => return Err(error),
            }
        }
    }
}
