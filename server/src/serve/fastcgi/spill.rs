//! Bytes of a request body that neither fit in memory nor may wait in the socket.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use bytes::Bytes;

use crate::exchange::PIECE;

/// A queue of bytes in a temporary file without a name.
///
/// It is written and read without leaving the event loop: the file is new and small enough to
/// stay in the page cache, so that neither waits for a disk.
#[derive(Default)]
pub(super) struct Spill {
    file: Option<File>,
    read: u64,
    written: u64,
    /// Why bytes are missing; told to the reader.
    failed: Option<io::Error>,
}

impl Spill {
    /// Whether everything written was read.
    pub(super) fn is_empty(&self) -> bool {
        self.read == self.written && self.failed.is_none()
    }

    /// Appends bytes. A failure is told to who reads.
    pub(super) fn write(&mut self, bytes: &[u8]) {
        if self.failed.is_none() {
            self.failed = self.append(bytes).err();
        }
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let file = match &self.file {
            Some(file) => file,
            None => self.file.insert(tempfile::tempfile()?),
        };
        file.write_all_at(bytes, self.written)?;
        self.written += bytes.len() as u64;
        Ok(())
    }

    /// Takes the next bytes, at most [`PIECE`]; `None` if there are none now.
    pub(super) fn read(&mut self) -> io::Result<Option<Bytes>> {
        let left = usize::try_from(self.written - self.read)
            .unwrap_or(PIECE)
            .min(PIECE);
        let Some(file) = self.file.as_ref().filter(|_| left > 0) else {
            return self.failed.take().map_or(Ok(None), Err);
        };
        let mut piece = vec![0; left];
        file.read_exact_at(&mut piece, self.read)?;
        self.read += left as u64;
        if self.read == self.written {
            // All taken: start over, so that a long body that is read in time uses little room.
            file.set_len(0)?;
            (self.read, self.written) = (0, 0);
        }
        Ok(Some(piece.into()))
    }
}
