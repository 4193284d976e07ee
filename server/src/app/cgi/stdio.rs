//! The pipes between this server and a script.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::OnceLock;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd::pipe2;
use tokio::io::AsyncWriteExt;
use tokio::net::unix::pipe::{Receiver, Sender};

use super::hold::Feed;
use super::spawn::Stdio;
use crate::app::patience::Patience;
use crate::app::{AppError, spool};
use crate::exchange::{Body, PIECE};

/// This server's ends.
#[derive(Debug)]
pub(super) struct Pipes {
    /// `None` where there is no body.
    pub(super) stdin: Option<Sender>,
    pub(super) stdout: Receiver,
    pub(super) stderr: Receiver,
}

/// The script's ends; dropped once it runs, so that its end is seen as end of file.
#[derive(Debug)]
pub(super) struct ScriptEnds {
    stdin: Input,
    stdout: OwnedFd,
    stderr: OwnedFd,
}

#[derive(Debug)]
enum Input {
    Pipe(OwnedFd),
    Null(&'static File),
}

impl ScriptEnds {
    pub(super) fn stdio(&self) -> Stdio<'_> {
        Stdio {
            stdin: match &self.stdin {
                Input::Pipe(pipe) => pipe.as_fd(),
                Input::Null(null) => null.as_fd(),
            },
            stdout: self.stdout.as_fd(),
            stderr: self.stderr.as_fd(),
        }
    }
}

/// Opens the pipes; without a body, standard input is `/dev/null`.
pub(super) fn open(has_body: bool) -> io::Result<(Pipes, ScriptEnds)> {
    let (stdout, script_stdout) = incoming()?;
    let (stderr, script_stderr) = incoming()?;
    let (stdin, script_stdin) = if has_body {
        let (ours, sender) = outgoing()?;
        (Some(sender), Input::Pipe(ours))
    } else {
        (None, Input::Null(null()?))
    };
    let ends = ScriptEnds {
        stdin: script_stdin,
        stdout: script_stdout,
        stderr: script_stderr,
    };
    Ok((
        Pipes {
            stdin,
            stdout,
            stderr,
        },
        ends,
    ))
}

/// `/dev/null`, opened once.
fn null() -> io::Result<&'static File> {
    static NULL: OnceLock<File> = OnceLock::new();
    match NULL.get() {
        Some(null) => Ok(null),
        None => {
            let null = File::open("/dev/null")?;
            Ok(NULL.get_or_init(|| null))
        }
    }
}

fn incoming() -> io::Result<(Receiver, OwnedFd)> {
    let (reader, writer) = pipe2(OFlag::O_CLOEXEC)?;
    unblock(reader.as_fd())?;
    Ok((Receiver::from_owned_fd_unchecked(reader)?, writer))
}

fn outgoing() -> io::Result<(OwnedFd, Sender)> {
    let (reader, writer) = pipe2(OFlag::O_CLOEXEC)?;
    unblock(writer.as_fd())?;
    Ok((reader, Sender::from_owned_fd_unchecked(writer)?))
}

/// Only our end: the script's own must stay as scripts expect it.
fn unblock(fd: BorrowedFd<'_>) -> io::Result<()> {
    fcntl(fd, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    Ok(())
}

/// Writes the body to the script until it ends or the script stops reading
/// (CGI-4.2-APP-UNREAD), then closes the pipe.
pub(super) async fn feed(
    mut body: Body,
    stdin: Option<Sender>,
    patience: &Patience,
    feed: &Feed,
) -> Result<(), AppError> {
    if let Some(mut stdin) = stdin {
        let mut is_whole = false;
        while let Some(mut chunk) = patience.with_client(body.chunk()).await? {
            feed.moves();
            while !chunk.is_empty() {
                tokio::select! {
                    biased;
                    written = stdin.write_buf(&mut chunk) => match written {
                        Ok(_) => {
                            patience.renew();
                            feed.moves();
                        }
                        Err(_) => {
                            feed.ends();
                            return Ok(());
                        }
                    },
                    () = feed.hurried(), if !is_whole => {
                        body = patience.with_client(rest(body, feed)).await?;
                        is_whole = true;
                        feed.ends();
                    }
                }
            }
        }
    }
    feed.ends();
    Ok(())
}

/// Receives what is left of a body, for the script to take later.
async fn rest(body: Body, feed: &Feed) -> Result<Body, AppError> {
    spool::received(body, PIECE as u64, || feed.moves()).await
}
