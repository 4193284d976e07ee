//! One connection's TLS.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::sync::Arc;

use bytes::BytesMut;
use nix::libc::MSG_NOSIGNAL;
use rustls::{Error, InvalidMessage, ServerConnection};
use socket2::Socket;

use super::Secrets;
use crate::log;

/// How much is decrypted at once: one record.
const RECORD: usize = 16 * 1024;

/// The state of one connection. Its socket does not block.
pub(in crate::socket) struct Session {
    connection: RefCell<ServerConnection>,
    /// The connection is to end without the farewell that tells a whole end from a cut one.
    is_cut: Cell<bool>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}

impl Session {
    pub(in crate::socket) fn new(secrets: &Secrets, socket: &Socket) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        let connection = ServerConnection::new(Arc::clone(&secrets.0));
        Ok(Self {
            connection: RefCell::new(connection.map_err(io::Error::other)?),
            is_cut: Cell::new(false),
        })
    }

    /// Appends what has arrived to `buf`; the handshake happens on the way. `WouldBlock` if nothing
    /// has, 0 at the end.
    pub(in crate::socket) fn read(&self, socket: &Socket, buf: &mut BytesMut) -> io::Result<usize> {
        let mut connection = self.connection.borrow_mut();
        loop {
            match decrypted(&mut connection, buf) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                done => return done,
            }
            connection.read_tls(&mut Wire(socket))?;
            let processed = connection.process_new_packets();
            // The handshake, or an alert for what is wrong with it.
            let sent = encrypted(&mut connection, socket);
            if let Err(error) = processed {
                self.is_cut.set(true);
                log::fault(&format!("connection closed: {}", words(&error, socket)));
                return Err(io::Error::new(ErrorKind::InvalidData, error));
            }
            sent.or_else(blocked_is_fine)?;
        }
    }

    /// Takes bytes to be sent, and sends what fits; `WouldBlock` if nothing more can be taken.
    pub(in crate::socket) fn write(
        &self,
        socket: &Socket,
        slices: &[IoSlice<'_>],
    ) -> io::Result<usize> {
        let mut connection = self.connection.borrow_mut();
        encrypted(&mut connection, socket)?;
        let taken = connection.writer().write_vectored(slices)?;
        encrypted(&mut connection, socket).or_else(blocked_is_fine)?;
        Ok(taken)
    }

    /// Sends what was taken; `WouldBlock` if some of it has to wait.
    pub(in crate::socket) fn flush(&self, socket: &Socket) -> io::Result<()> {
        encrypted(&mut self.connection.borrow_mut(), socket)
    }

    /// Whether some of what was taken has not been sent.
    pub(in crate::socket) fn has_unsent(&self) -> bool {
        self.connection.borrow().wants_write()
    }

    /// The end is to look like the break that it is.
    pub(in crate::socket) fn cut(&self) {
        self.is_cut.set(true);
    }

    /// Tells the peer that nothing follows.
    pub(in crate::socket) fn say_farewell(&self, socket: &Socket) {
        if !self.is_cut.replace(true) {
            let mut connection = self.connection.borrow_mut();
            connection.send_close_notify();
            // A peer that takes nothing more cannot be told.
            let _ = encrypted(&mut connection, socket);
        }
    }

    /// The certificate that the client showed, which was checked.
    pub(in crate::socket) fn client_certificate(&self) -> Option<Vec<u8>> {
        let connection = self.connection.borrow();
        let chain = connection.peer_certificates()?;
        Some(chain.first()?.to_vec())
    }
}

fn decrypted(connection: &mut ServerConnection, buf: &mut BytesMut) -> io::Result<usize> {
    let start = buf.len();
    let room = (buf.capacity() - start).clamp(1024, RECORD);
    buf.resize(start + room, 0);
    let read = connection.reader().read(&mut buf[start..]);
    buf.truncate(start + read.as_ref().map_or(0, |count| *count));
    read
}

fn encrypted(connection: &mut ServerConnection, socket: &Socket) -> io::Result<()> {
    while connection.wants_write() {
        connection.write_tls(&mut Wire(socket))?;
    }
    Ok(())
}

fn blocked_is_fine(error: io::Error) -> io::Result<()> {
    match error.kind() {
        ErrorKind::WouldBlock => Ok(()),
        _ => Err(error),
    }
}

fn words(error: &Error, socket: &Socket) -> String {
    let peer = socket.peer_addr().ok().and_then(|peer| peer.as_socket());
    let peer = peer.map_or_else(String::new, |peer| format!(" ({})", peer.ip()));
    match error {
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            format!("client does not speak TLS on a socket with TLS{peer}")
        }
        _ => format!("TLS handshake failed{peer}: {error}"),
    }
}

/// The socket as `rustls` wants it.
struct Wire<'s>(&'s Socket);

impl Read for Wire<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut socket = self.0;
        super::super::stream::uninterrupted(|| socket.read(buf))
    }
}

impl Write for Wire<'_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        super::super::stream::uninterrupted(|| self.0.send_with_flags(buf, MSG_NOSIGNAL))
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        super::super::stream::uninterrupted(|| {
            self.0.send_vectored_with_flags(slices, MSG_NOSIGNAL)
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
