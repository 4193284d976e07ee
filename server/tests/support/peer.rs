//! A connection to a server under test.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use bytes::BytesMut;

use super::PATIENCE;

/// A connection to a server.
pub enum Peer {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Peer {
    #[track_caller]
    pub fn to(address: &str) -> Self {
        if address.contains('/') {
            let stream = UnixStream::connect(address).expect("the server listens");
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            stream.set_write_timeout(Some(PATIENCE)).unwrap();
            return Self::Unix(stream);
        }
        let stream = TcpStream::connect(address).expect("the server listens");
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self::Tcp(stream)
    }

    /// Sends bytes in writes of at most `size`.
    #[track_caller]
    pub fn send_in(&mut self, bytes: &[u8], size: usize) {
        for piece in bytes.chunks(size.max(1)) {
            self.write_all(piece).expect("the server takes it");
        }
    }

    #[track_caller]
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.write_all(bytes.as_ref()).expect("the server takes it");
    }

    /// Lets a write fail that waits for so long.
    pub fn give_up_after(&self, wait: Duration) {
        match self {
            Self::Tcp(stream) => stream.set_write_timeout(Some(wait)),
            Self::Unix(stream) => stream.set_write_timeout(Some(wait)),
        }
        .unwrap();
    }

    pub fn end_sending(&self) {
        match self {
            Self::Tcp(stream) => stream.shutdown(Shutdown::Write),
            Self::Unix(stream) => stream.shutdown(Shutdown::Write),
        }
        .unwrap();
    }

    pub fn another(&self) -> Self {
        match self {
            Self::Tcp(stream) => Self::Tcp(stream.try_clone().unwrap()),
            Self::Unix(stream) => Self::Unix(stream.try_clone().unwrap()),
        }
    }

    /// Reads until the server closes.
    #[track_caller]
    pub fn rest(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.read_to_end(&mut bytes)
            .expect("the server closes in time and without a reset");
        bytes
    }

    /// Whether anything comes, or the end, within so long; what comes on a Unix socket is lost.
    pub fn read_within(&mut self, wait: Duration) -> bool {
        self.wait_at_most(wait);
        let read = match self {
            Self::Tcp(stream) => stream.peek(&mut [0]),
            Self::Unix(stream) => stream.read(&mut [0]),
        };
        self.wait_at_most(PATIENCE);
        !read.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    }

    fn wait_at_most(&self, wait: Duration) {
        match self {
            Self::Tcp(stream) => stream.set_read_timeout(Some(wait)),
            Self::Unix(stream) => stream.set_read_timeout(Some(wait)),
        }
        .unwrap();
    }

    /// Whether the server closes, whatever it still sends.
    pub fn ends(&mut self) -> bool {
        let mut piece = [0; 4096];
        loop {
            match self.read(&mut piece) {
                Ok(1..) => {}
                Ok(0) => return true,
                Err(error) => return error.kind() == ErrorKind::ConnectionReset,
            }
        }
    }

    /// Whether the server has closed, without a byte.
    #[track_caller]
    pub fn is_closed(&mut self) -> bool {
        match self.read(&mut [0]) {
            Ok(count) => count == 0,
            Err(error) => {
                assert_ne!(
                    error.kind(),
                    ErrorKind::WouldBlock,
                    "the server does not close"
                );
                true
            }
        }
    }

    /// Reads at least one byte behind what `buf` holds; false at the end.
    #[track_caller]
    pub fn more(&mut self, buf: &mut BytesMut) -> bool {
        let mut piece = vec![0; 64 * 1024];
        let count = loop {
            match self.read(&mut piece) {
                // A signal that this process got says nothing of the server.
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => break read.expect("the server answers in time"),
            }
        };
        buf.extend_from_slice(&piece[..count]);
        count > 0
    }
}

impl Read for Peer {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buf),
            Self::Unix(stream) => stream.read(buf),
        }
    }
}

impl Write for Peer {
    fn write(&mut self, buf: &[u8]) -> std::io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(buf),
            Self::Unix(stream) => stream.write(buf),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
