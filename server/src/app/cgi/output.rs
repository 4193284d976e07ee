//! What a script writes: its reply, and beside it lines for the log.

use std::io;

use bytes::{Bytes, BytesMut};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::Receiver;

use super::child::{Child, Exit};
use crate::app::lines::{self, Lines};
use crate::app::patience::Patience;
use crate::exchange::{Reply, ReplyError};
use crate::log;
use crate::trace::Step;

/// Bytes that one read takes at most.
const READ: usize = 64 * 1024;

/// Both streams of a running script. They are read together, since a script that is stuck on one
/// never comes to the other (CGI-DF-STDERR).
#[derive(Debug)]
pub(super) struct Output<'a> {
    patience: &'a Patience,
    stdout: Receiver,
    /// `None` at its end.
    stderr: Option<Receiver>,
    /// What was read of the reply and not yet taken.
    pub(super) buffer: BytesMut,
    lines: Lines,
    /// Whether error text is for the log alone.
    to_log: bool,
}

impl<'a> Output<'a> {
    /// The streams of the script of that name.
    pub(super) fn new(
        name: String,
        patience: &'a Patience,
        stdout: Receiver,
        stderr: Receiver,
    ) -> Self {
        let (buffer, lines) = (BytesMut::new(), Lines::of(name));
        Self {
            patience,
            stdout,
            stderr: Some(stderr),
            buffer,
            lines,
            to_log: false,
        }
    }

    /// The same, with error text for the log alone or for the gateway too.
    pub(super) fn for_log(mut self, to_log: bool) -> Self {
        self.to_log = to_log;
        self
    }

    /// Reads more of the reply into the buffer, or returns false at its end.
    pub(super) async fn more(&mut self, reply: &mut Reply) -> Result<bool, OutputError> {
        self.buffer.reserve(READ);
        loop {
            let read = tokio::select! {
                read = self.stdout.read_buf(&mut self.buffer) => read?,
                read = complaint(&mut self.stderr, &mut self.lines.text) => {
                    self.complain(read?, reply).await?;
                    continue;
                }
            };
            self.patience.renew();
            if read > 0 {
                reply.step(Step::FirstByte);
            }
            return Ok(read > 0);
        }
    }

    /// As [`more`](Self::more) without the error stream, so that it may be given up at any time.
    pub(super) async fn reply_alone(&mut self) -> Result<bool, OutputError> {
        self.buffer.reserve(READ);
        let read = self.stdout.read_buf(&mut self.buffer).await?;
        self.patience.renew();
        Ok(read > 0)
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
                read = complaint(&mut self.stderr, &mut self.lines.text) => {
                    self.complain(read?, reply).await?;
                }
                ended = child.ended() => {
                    reply.step(Step::Exited);
                    let ended = ended?;
                    let is_own = ended.is_own();
                    let exit = child.reap(ended);
                    if is_own {
                        reply.step(Step::Reaped);
                    }
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
            self.lines.text.reserve(lines::LONGEST);
            match stderr.try_read_buf(&mut self.lines.text) {
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
        let lines = if read == 0 {
            self.lines.rest()
        } else {
            self.lines.whole()
        };
        match lines {
            Some(lines) if self.to_log => {
                log::application(&lines);
                Ok(())
            }
            Some(lines) => Ok(self.patience.with_client(reply.stderr(lines)).await?),
            None => Ok(()),
        }
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
async fn complaint(stderr: &mut Option<Receiver>, text: &mut BytesMut) -> io::Result<usize> {
    match stderr {
        None => std::future::pending().await,
        Some(stderr) => {
            text.reserve(lines::LONGEST);
            stderr.read_buf(text).await
        }
    }
}
