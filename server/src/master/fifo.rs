//! The master fifo: a named pipe that takes one command a byte.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use crate::log;

/// The fifos that are configured; one of them is listened to at a time.
#[derive(Debug)]
pub(super) struct Fifo {
    paths: Vec<PathBuf>,
    open: Option<File>,
}

impl Fifo {
    /// Makes the first of the fifos, if there are any.
    ///
    /// # Errors
    /// A path at which no fifo can be made.
    pub(super) fn new(paths: &[PathBuf]) -> io::Result<Self> {
        let paths = paths.iter().map(std::path::absolute);
        let paths = paths.collect::<io::Result<Vec<_>>>()?;
        let open = paths.first().map(|path| open(path)).transpose()?;
        Ok(Self { paths, open })
    }

    /// The descriptor to wait on.
    pub(super) fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.open.as_ref().map(AsFd::as_fd)
    }

    /// What has been written since; never waits.
    pub(super) fn read(&mut self) -> Vec<u8> {
        let mut bytes = [0; 64];
        let read = self.open.as_mut().map(|open| open.read(&mut bytes));
        match read {
            Some(Ok(count)) => bytes[..count].to_vec(),
            // Nothing there, or nothing that could be read: more will come or not.
            _ => Vec::new(),
        }
    }

    /// Listens to another of the fifos, counted from 0; a number that there is none for means the
    /// first, as in uWSGI. Whoever listened there before is cut off.
    pub(super) fn select(&mut self, slot: usize) {
        let Some(path) = self.paths.get(slot).or_else(|| self.paths.first()) else {
            return;
        };
        match open(path) {
            Ok(file) => self.open = Some(file),
            Err(error) => return log::fault(&error.to_string()),
        }
        log::fault(&format!("active master fifo is now {}", path.display()));
    }
}

/// Makes a fifo in place of what is there. It is opened for writing too, so that it does not end
/// with each writer.
fn open(path: &Path) -> io::Result<File> {
    let failed = |error: io::Error| {
        let text = format!("cannot make the master fifo {}: {error}", path.display());
        io::Error::new(error.kind(), text)
    };
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    mkfifo(path, Mode::S_IRUSR | Mode::S_IWUSR).map_err(|error| failed(error.into()))?;
    File::options()
        .read(true)
        .write(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path)
        .map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path, text: &str) {
        std::fs::write(path, text).unwrap();
    }

    #[test]
    fn bytes_arrive_from_one_writer_after_the_other() {
        let folder = tempfile::tempdir().unwrap();
        let paths = ["a", "b"].map(|name| folder.path().join(name));
        let mut fifo = Fifo::new(&paths).unwrap();
        assert_eq!(fifo.read(), b"");
        write(&paths[0], "r");
        assert_eq!(fifo.read(), b"r");
        write(&paths[0], "qq");
        assert_eq!(fifo.read(), b"qq");
        fifo.select(1);
        write(&paths[1], "s");
        assert_eq!(fifo.read(), b"s");
    }

    #[test]
    fn a_fifo_that_cannot_be_made_is_told_by_name() {
        let error = Fifo::new(&["/no/such/folder/fifo".into()]).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("/no/such/folder/fifo"), "{text}");
    }
}
