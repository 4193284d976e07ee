//! `recv` into the spare room of a buffer, without clearing that room first.

#![allow(unsafe_code)]

use std::io;

use bytes::{BufMut, BytesMut};
use socket2::Socket;

use crate::exchange::PIECE;

/// What came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Taken {
    /// Bytes; 0 at the end.
    pub(super) len: usize,
    /// There was room for more, and no more was there.
    pub(super) is_all: bool,
}

/// Receives into the spare capacity of `buf`, at most [`PIECE`] bytes, and returns how many came.
pub(super) fn receive(socket: &Socket, buf: &mut BytesMut, flags: i32) -> io::Result<Taken> {
    let room = buf.spare_capacity_mut();
    let room_len = room.len().min(PIECE);
    let received = socket.recv_with_flags(&mut room[..room_len], flags)?;
    // SAFETY: the kernel has filled the first `received` bytes of the spare capacity, which is
    // what `recv` returning `received` means.
    unsafe { buf.advance_mut(received) };
    Ok(Taken {
        len: received,
        is_all: (1..room_len).contains(&received),
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn bytes_are_appended_to_what_the_buffer_holds() {
        let (mut peer, socket) = UnixStream::pair().unwrap();
        peer.write_all(b"world").unwrap();
        let mut buf = BytesMut::with_capacity(64);
        buf.extend_from_slice(b"hello ");
        let received = receive(
            &Socket::from(std::os::fd::OwnedFd::from(socket)),
            &mut buf,
            0,
        );
        let all = Taken {
            len: 5,
            is_all: true,
        };
        assert_eq!(received.unwrap(), all);
        assert_eq!(&buf[..], b"hello world");
    }
}
