//! What a script writes: its reply, and beside it lines for the log.

use std::io;

use bytes::{Bytes, BytesMut};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::Receiver;

use super::child::{Child, Exit};
use crate::app::patience::Patience;
use crate::exchange::{Reply, ReplyError};

/// Bytes that one read takes at most.
const READ: usize = 64 * 1024;

/// A line of error text longer than this is handed on in parts.
const LONGEST_LINE: usize = 4096;

/// Both streams of a running script. They are read together, since a script that is stuck on one
/// never comes to the other (CGI-DF-STDERR).
#[derive(Debug)]
pub(super) struct Output<'a> {
    name: &'a str,
    patience: &'a Patience,
    stdout: Receiver,
    /// `None` at its end.
    stderr: Option<Receiver>,
    /// What was read of the reply and not yet taken.
    pub(super) buffer: BytesMut,
    line: BytesMut,
}

impl<'a> Output<'a> {
    pub(super) fn new(
        name: &'a str,
        patience: &'a Patience,
        stdout: Receiver,
        stderr: Receiver,
    ) -> Self {
        let (buffer, line) = (BytesMut::new(), BytesMut::new());
        Self {
            name,
            patience,
            stdout,
            stderr: Some(stderr),
            buffer,
            line,
        }
    }

    /// Reads more of the reply into the buffer, or returns false at its end.
    pub(super) async fn more(&mut self, reply: &mut Reply) -> Result<bool, OutputError> {
        self.buffer.reserve(READ);
        loop {
            let read = tokio::select! {
                read = self.stdout.read_buf(&mut self.buffer) => read?,
                read = complaint(&mut self.stderr, &mut self.line) => {
                    self.complain(read?, reply).await?;
                    continue;
                }
            };
            self.patience.renew();
            return Ok(read > 0);
        }
    }

    /// Takes what was read of the reply.
    pub(super) fn take(&mut self) -> Bytes {
        self.buffer.split().freeze()
    }

    /// After the end of the reply: hands on what is left of the error text, until the script ends.
    pub(super) async fn settle(
        &mut self,
        child: &mut Child,
        reply: &mut Reply,
    ) -> Result<Exit, OutputError> {
        loop {
            tokio::select! {
                biased;
                read = complaint(&mut self.stderr, &mut self.line) => {
                    self.complain(read?, reply).await?;
                }
                exit = child.exit() => {
                    self.leftover(reply).await?;
                    return Ok(exit?);
                }
            }
        }
    }

    /// What the script wrote to its log just before it ended. A process that it left behind may
    /// hold the pipe open, so this does not wait for more.
    async fn leftover(&mut self, reply: &mut Reply) -> Result<(), OutputError> {
        while let Some(stderr) = &self.stderr {
            self.line.reserve(LONGEST_LINE);
            match stderr.try_read_buf(&mut self.line) {
                Ok(read) => self.complain(read, reply).await?,
                Err(_) => break,
            }
        }
        self.stderr = None;
        self.complain(0, reply).await
    }

    /// Hands on the lines that are complete; at the end of the stream also the last one.
    async fn complain(&mut self, read: usize, reply: &mut Reply) -> Result<(), OutputError> {
        self.patience.renew();
        if read == 0 {
            self.stderr = None;
        }
        let lines = whole_lines(&mut self.line, read == 0);
        if lines.is_empty() {
            return Ok(());
        }
        Ok(self
            .patience
            .with_client(reply.stderr(labelled(self.name, &lines)))
            .await?)
    }
}

/// Why a script's output could not be passed on.
#[derive(Debug, thiserror::Error)]
pub(super) enum OutputError {
    /// This server could not read it, or not wait for the script.
    #[error("cannot read the output: {0}")]
    Read(#[from] io::Error),
    /// The reply does not take it.
    #[error(transparent)]
    Reply(#[from] ReplyError),
}

/// Reads error text; never resolves once that stream has ended.
async fn complaint(stderr: &mut Option<Receiver>, line: &mut BytesMut) -> io::Result<usize> {
    match stderr {
        None => std::future::pending().await,
        Some(stderr) => {
            line.reserve(LONGEST_LINE);
            stderr.read_buf(line).await
        }
    }
}

/// Takes the complete lines off the front, or everything at the end or when a line gets too long.
fn whole_lines(text: &mut BytesMut, at_end: bool) -> BytesMut {
    let end = text
        .iter()
        .rposition(|&byte| byte == b'\n')
        .map(|at| at + 1);
    match end {
        _ if at_end || text.len() >= LONGEST_LINE => text.split(),
        Some(end) => text.split_to(end),
        None => BytesMut::new(),
    }
}

/// Each line with the script's name before it.
fn labelled(name: &str, lines: &[u8]) -> Bytes {
    let mut labelled = BytesMut::with_capacity(lines.len() + 64);
    for line in lines.split_inclusive(|&byte| byte == b'\n') {
        labelled.extend_from_slice(name.as_bytes());
        labelled.extend_from_slice(b": ");
        labelled.extend_from_slice(line.strip_suffix(b"\n").unwrap_or(line));
        labelled.extend_from_slice(b"\n");
    }
    labelled.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_handed_on_whole() {
        let mut text = BytesMut::from("one\ntwo\nthr");
        assert_eq!(whole_lines(&mut text, false), "one\ntwo\n");
        assert_eq!(whole_lines(&mut text, false), "");
        text.extend_from_slice(b"ee\n");
        assert_eq!(whole_lines(&mut text, false), "three\n");
    }

    #[test]
    fn the_last_line_needs_no_end() {
        let mut text = BytesMut::from("one\ntwo");
        assert_eq!(whole_lines(&mut text, true), "one\ntwo");
        assert!(text.is_empty());
    }

    #[test]
    fn a_line_without_end_is_cut() {
        let mut text = BytesMut::from(&b"x".repeat(LONGEST_LINE)[..]);
        assert_eq!(whole_lines(&mut text, false).len(), LONGEST_LINE);
    }

    #[test]
    fn every_line_names_its_script() {
        assert_eq!(
            labelled("a.sh", b"one\n\ntwo"),
            "a.sh: one\na.sh: \na.sh: two\n"
        );
    }
}
