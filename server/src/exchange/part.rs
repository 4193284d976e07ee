//! Part of a file, as a piece of a reply's body.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::time::Duration;

use bytes::{Buf, Bytes};
use nix::errno::Errno;
use nix::libc::{MSG_NOSIGNAL, off_t};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::sendfile::sendfile;
use socket2::Socket;

use super::PIECE;

/// The most that one `sendfile` is asked for, in bytes: a peer that reads as fast as this server
/// sends would otherwise keep one call, and with it the event loop, busy for the whole file.
const SEND: usize = 512 * 1024;

/// Part of a file that is on its way out.
#[derive(Debug)]
pub(crate) struct FilePart {
    file: File,
    offset: u64,
    left: u64,
    /// The kernel cannot send this kind of file by itself.
    copied: bool,
}

/// A file that does not hold what was announced, or cannot be read. Nobody but this server's own
/// side is at fault.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileFault {
    /// It was cut while it was being sent.
    #[error("a file that is being sent ends {0} bytes early")]
    Short(u64),
    /// The system's reason.
    #[error("a file that is being sent cannot be read: {0}")]
    Unreadable(io::Error),
}

impl From<FileFault> for io::Error {
    fn from(fault: FileFault) -> Self {
        Self::other(fault)
    }
}

impl FilePart {
    /// `length` bytes from `offset` on; the file's own position is neither used nor moved.
    pub(crate) fn new(file: File, offset: u64, length: u64) -> Self {
        Self {
            file,
            offset,
            left: length,
            copied: false,
        }
    }

    /// Bytes not yet taken.
    pub(crate) fn len(&self) -> u64 {
        self.left
    }

    /// Leaves out what lies beyond `length` bytes.
    pub(crate) fn truncate(&mut self, length: u64) {
        self.left = self.left.min(length);
    }

    /// Takes the next bytes into memory, at most [`PIECE`]; empty at the end of the part.
    pub(crate) fn read(&mut self) -> Result<Bytes, FileFault> {
        let wanted = usize::try_from(self.left).unwrap_or(PIECE).min(PIECE);
        let mut piece = vec![0; wanted];
        let read = loop {
            match self.file.read_at(&mut piece, self.offset) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => break read.map_err(FileFault::Unreadable)?,
            }
        };
        if read == 0 && wanted > 0 {
            return Err(FileFault::Short(self.left));
        }
        piece.truncate(read);
        self.advance(read);
        Ok(piece.into())
    }

    /// Has the kernel send the next bytes to a socket, which must not block; `None` if it cannot do
    /// so with this file, which then has to be [read](Self::read).
    pub(crate) fn send(&mut self, socket: impl AsFd) -> io::Result<Option<usize>> {
        if self.copied {
            return Ok(None);
        }
        let wanted = usize::try_from(self.left).unwrap_or(SEND).min(SEND);
        // A file is never so long that its offset would not fit.
        let mut offset = off_t::try_from(self.offset).unwrap_or(off_t::MAX);
        let sent = loop {
            match sendfile(&socket, &self.file, Some(&mut offset), wanted) {
                Err(Errno::EINTR) => {}
                Err(Errno::EINVAL | Errno::ENOSYS) => {
                    self.copied = true;
                    return Ok(None);
                }
                sent => break sent?,
            }
        };
        if sent == 0 && wanted > 0 {
            return Err(FileFault::Short(self.left).into());
        }
        self.advance(sent);
        Ok(Some(sent))
    }

    /// Sends all of it, on a thread that may wait: for a peer that takes nothing, so long as
    /// `patience` says. The socket itself must not block.
    pub(crate) fn send_all(&mut self, socket: &Socket, patience: Duration) -> io::Result<()> {
        while self.left > 0 {
            match self.send(socket) {
                Ok(Some(_)) => {}
                Ok(None) => {
                    let mut piece = self.read()?;
                    while !piece.is_empty() {
                        match socket.send_with_flags(&piece, MSG_NOSIGNAL) {
                            Ok(sent) => piece.advance(sent),
                            Err(error) => wait_for_room(socket, patience, error)?,
                        }
                    }
                }
                Err(error) => wait_for_room(socket, patience, error)?,
            }
        }
        Ok(())
    }

    fn advance(&mut self, count: usize) {
        self.offset += count as u64;
        self.left -= count as u64;
    }
}

/// Waits until the peer has taken something, if that is what `error` asks for.
fn wait_for_room(socket: &Socket, patience: Duration, error: io::Error) -> io::Result<()> {
    if error.kind() != ErrorKind::WouldBlock {
        return Err(error);
    }
    let limit = PollTimeout::try_from(patience).unwrap_or(PollTimeout::MAX);
    let mut fds = [PollFd::new(socket.as_fd(), PollFlags::POLLOUT)];
    match poll(&mut fds, limit) {
        Ok(0) => Err(ErrorKind::TimedOut.into()),
        Ok(_) | Err(Errno::EINTR) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn part(text: &str, offset: u64, length: u64) -> FilePart {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        FilePart::new(file, offset, length)
    }

    #[test]
    fn a_part_is_read_from_its_offset_to_its_length() {
        let mut part = part("hello world", 6, 3);
        assert_eq!(part.read().unwrap(), "wor");
        assert_eq!(part.read().unwrap(), "");
    }

    #[test]
    fn a_file_that_ends_early_is_an_error_and_no_end() {
        let mut part = part("hello", 3, 10);
        assert_eq!(part.read().unwrap(), "lo");
        assert!(matches!(part.read(), Err(FileFault::Short(8))));
    }
}
