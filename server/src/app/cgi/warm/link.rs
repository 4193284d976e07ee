//! What a warm interpreter tells of one request.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdUnixStream;

use nix::sys::signal::Signal;
use nix::unistd::Pid;
use tokio::net::UnixStream;

use crate::app::cgi::child::Exit;

/// This server's end. While it is open the process of the request keeps its number, also after its
/// end; closing it early kills the process with its group.
#[derive(Debug)]
pub(in crate::app::cgi) struct Link {
    stream: UnixStream,
    /// What has come of a word.
    word: Vec<u8>,
}

/// How a request fares in the interpreter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// In this process.
    Process(Pid),
    /// Not there: by exec.
    Exec,
}

/// A word's length: a letter and a number.
const WORD: usize = 5;

impl Link {
    /// Both ends; the second is for the interpreter.
    pub(super) fn pair() -> io::Result<(Self, OwnedFd)> {
        // Not tokio's own pair, which would have the poll watch the interpreter's end too.
        let (ours, theirs) = StdUnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let link = Self {
            stream: UnixStream::from_std(ours)?,
            word: Vec::with_capacity(WORD),
        };
        Ok((link, theirs.into()))
    }

    /// Resolves once the interpreter has decided.
    pub(super) async fn start(&mut self) -> io::Result<Start> {
        match self.word().await? {
            (b'P', pid) => Ok(Start::Process(Pid::from_raw(pid))),
            (b'E', _) => Ok(Start::Exec),
            (letter, _) => Err(unexpected(letter)),
        }
    }

    /// Resolves once the process has ended; may be given up and called again.
    pub(in crate::app::cgi) async fn exit(&mut self) -> io::Result<Exit> {
        match self.word().await? {
            (b'X', status) => Ok(Exit::Status(status)),
            (b'K', signal) => Ok(Exit::Signal(Signal::try_from(signal)?)),
            (letter, _) => Err(unexpected(letter)),
        }
    }

    /// The next word. Nothing is lost when this is given up.
    async fn word(&mut self) -> io::Result<(u8, i32)> {
        while self.word.len() < WORD {
            self.stream.readable().await?;
            let mut piece = [0; WORD];
            let piece = &mut piece[..WORD - self.word.len()];
            match self.stream.try_read(piece) {
                Ok(0) => return Err(io::Error::other("its warm interpreter has ended")),
                Ok(read) => self.word.extend_from_slice(&piece[..read]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        let word = [self.word[1], self.word[2], self.word[3], self.word[4]];
        let letter = self.word[0];
        self.word.clear();
        Ok((letter, i32::from_le_bytes(word)))
    }
}

fn unexpected(letter: u8) -> io::Error {
    let letter = [letter];
    let letter = letter.escape_ascii();
    io::Error::other(format!("its warm interpreter said '{letter}'"))
}
