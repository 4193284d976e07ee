//! Destinations: what takes a message in the end, one kind a file.

mod datagram;
mod pipe;
mod syslog;

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use nix::unistd::dup;

use super::file::LogFile;
use crate::clock;
use crate::options::{LoggerKind, LoggersSettings};
use datagram::Datagrams;
use pipe::Pipe;
use syslog::{Packets, Syslog};

/// What takes messages.
#[derive(Debug)]
pub(super) enum Destination {
    /// Standard error as it was, or an inherited descriptor.
    Stream(File),
    File(Kept),
    Datagrams(Datagrams),
    Syslog(Syslog),
    Pipe(Pipe),
}

/// A log file with its name, to be rotated and opened anew.
#[derive(Debug)]
pub(super) struct Kept {
    log: LogFile,
    open: File,
    max_size: Option<u64>,
}

impl Destination {
    /// What a logger writes to; `None` for what the log would go to without loggers.
    ///
    /// # Errors
    /// What cannot be opened.
    pub(super) fn open(kind: &LoggerKind, settings: &LoggersSettings) -> io::Result<Option<Self>> {
        Ok(Some(match kind {
            LoggerKind::Stdio => return Ok(None),
            LoggerKind::Fd(number) => Self::Stream(inherited(*number)?),
            LoggerKind::File {
                path,
                backup,
                max_size,
            } => Self::file(LogFile::new(path, backup.as_deref())?, *max_size)
                .map_err(|error| naming(path, &error))?,
            LoggerKind::Socket { address, prefix } => {
                Self::Datagrams(Datagrams::new(address, prefix)?)
            }
            LoggerKind::Syslog { tag, facility } => Self::Syslog(Syslog::local(tag, *facility)?),
            LoggerKind::Rsyslog {
                address,
                tag,
                priority,
            } => {
                let packets = Packets {
                    size: settings.packet_size,
                    split: settings.split,
                };
                Self::Syslog(Syslog::remote(address, tag.as_deref(), *priority, packets)?)
            }
            LoggerKind::Pipe(command) => Self::Pipe(Pipe::new(command)),
        }))
    }

    /// A log file that is rotated once it is larger than `max_size` bytes.
    pub(super) fn file(log: LogFile, max_size: Option<u64>) -> io::Result<Self> {
        let open = log.open(false)?;
        Ok(Self::File(Kept {
            log,
            open,
            max_size,
        }))
    }

    /// Takes a message. One that cannot be written is lost: there is nobody to tell.
    pub(super) fn write(&mut self, message: &[u8]) {
        let _ = match self {
            Self::Stream(stream) => stream.write_all(message),
            Self::File(kept) => kept.write(message),
            Self::Datagrams(socket) => socket.send(message),
            Self::Syslog(syslog) => syslog.send(message, clock::now()),
            Self::Pipe(pipe) => pipe.write(message),
        };
    }

    /// A file is opened anew; nothing else can be.
    pub(super) fn reopen(&mut self) {
        if let Self::File(kept) = self {
            kept.replace(LogFile::reopen);
        }
    }

    /// A file is rotated; nothing else can be.
    pub(super) fn rotate(&mut self) {
        if let Self::File(kept) = self {
            kept.replace(LogFile::rotate);
        }
    }
}

impl Kept {
    fn write(&mut self, message: &[u8]) -> io::Result<()> {
        self.open.write_all(message)?;
        let Some(limit) = self.max_size else {
            return Ok(());
        };
        if self.open.metadata()?.len() > limit {
            self.replace(LogFile::rotate);
        }
        Ok(())
    }

    /// What cannot be opened leaves the file that there is.
    fn replace(&mut self, open: fn(&LogFile, &mut dyn Write, i64) -> io::Result<File>) {
        match open(&self.log, &mut self.open, clock::now()) {
            Ok(opened) => self.open = opened,
            Err(error) => {
                let path = self.log.path().display();
                let _ = writeln!(self.open, "cannot open {path} anew: {error}");
            }
        }
    }
}

/// A copy of a descriptor that this process was started with.
fn inherited(number: i32) -> io::Result<File> {
    let path = format!("/proc/self/fd/{number}");
    let borrowed = super::descriptor::borrow(number);
    let owned = borrowed.and_then(|fd| Ok(dup(fd)?));
    owned
        .map(File::from)
        .map_err(|error| naming(Path::new(&path), &error))
}

fn naming(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_rotated_once_it_is_larger_than_allowed() {
        let folder = tempfile::tempdir().unwrap();
        let (path, backup) = (folder.path().join("a.log"), folder.path().join("b.log"));
        let log = LogFile::new(&path, Some(&backup)).unwrap();
        let mut file = Destination::file(log, Some(10)).unwrap();
        file.write(b"0123456789");
        assert!(!backup.exists(), "it is as large as allowed");
        file.write(b"x");
        file.write(b"y");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "y");
        let rotated = std::fs::read_to_string(&backup).unwrap();
        assert!(rotated.starts_with("0123456789x"), "{rotated}");
        assert!(rotated.contains("logsize: 11, triggering rotation to "));
    }

    #[test]
    fn a_file_that_cannot_be_opened_anew_is_gone_on_with() {
        let folder = tempfile::tempdir().unwrap();
        let below = folder.path().join("below");
        std::fs::create_dir(&below).unwrap();
        let log = LogFile::new(&below.join("a.log"), None).unwrap();
        let mut file = Destination::file(log, None).unwrap();
        let moved = folder.path().join("moved");
        std::fs::rename(&below, &moved).unwrap();
        file.reopen();
        file.write(b"still here\n");
        let text = std::fs::read_to_string(moved.join("a.log")).unwrap();
        assert!(text.contains("a.log anew: No such file"), "{text}");
        assert!(text.ends_with("still here\n"), "{text}");
    }
}
