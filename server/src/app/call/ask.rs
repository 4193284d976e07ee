//! What a synchronous application asks of the event loop.

use std::fs::File;

use bytes::Bytes;
use tokio::sync::oneshot::Sender;
use wire::cgi::CgiHead;

use crate::app::AppError;
use crate::exchange::{Body, BodyError, Reply, ReplyError};

/// One thing to do for the application. Those with a [`Sender`] are waited for.
#[derive(Debug)]
pub(super) enum Ask {
    Read(Sender<Result<Option<Bytes>, BodyError>>),
    Send(Option<CgiHead>, Bytes, Sender<Result<(), ReplyError>>),
    File(Option<CgiHead>, Part, Sender<Result<(), ReplyError>>),
    Stderr(Bytes),
    Finish(Option<CgiHead>, Bytes),
    Fail(AppError),
    /// The number of the application, for the log.
    App(i32),
    /// A variable and its value, for the log.
    Note(Bytes, Bytes),
    /// The log is to know which core answers.
    Core(usize),
}

/// Part of a file.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) file: File,
    pub(super) offset: u64,
    pub(super) length: u64,
}

impl Ask {
    /// Does it; the outcome of the whole exchange if that is its end.
    pub(super) async fn follow(
        self,
        body: &mut Body,
        reply: &mut Reply,
    ) -> Option<Result<(), AppError>> {
        // Whoever asked may have been killed meanwhile: then nobody takes the answer.
        match self {
            Self::Read(answer) => {
                let _ = answer.send(body.chunk().await);
            }
            Self::Send(head, bytes, done) => {
                let _ = done.send(send(head, bytes, reply).await);
            }
            Self::File(head, part, done) => {
                let _ = done.send(send_file(head, part, reply).await);
            }
            Self::Stderr(text) => {
                // Whether the peer is gone shows where it matters.
                let _ = reply.stderr(text).await;
            }
            Self::Finish(head, bytes) => {
                return Some(send(head, bytes, reply).await.map_err(AppError::from));
            }
            Self::Note(name, value) => reply.notes().set(name, value),
            Self::App(number) => reply.notes().app = number,
            Self::Core(number) => reply.notes().core = number,
            Self::Fail(error) => return Some(Err(error)),
        }
        None
    }
}

async fn send(head: Option<CgiHead>, bytes: Bytes, reply: &mut Reply) -> Result<(), ReplyError> {
    if let Some(head) = head {
        reply.head(head).await?;
    }
    if !bytes.is_empty() {
        reply.body(bytes).await?;
    }
    Ok(())
}

async fn send_file(head: Option<CgiHead>, part: Part, reply: &mut Reply) -> Result<(), ReplyError> {
    if let Some(head) = head {
        reply.head(head).await?;
    }
    reply.file(part.file, part.offset, part.length).await
}
