//! What a synchronous application asks of the event loop.

use bytes::Bytes;
use tokio::sync::oneshot::Sender;
use wire::cgi::CgiHead;

use crate::app::AppError;
use crate::exchange::{Body, BodyError, Reply, ReplyError};

/// One thing to do for the application. Those with a [`Sender`] are waited for.
#[derive(Debug)]
pub(super) enum Ask {
    Read(Sender<Result<Option<Bytes>, BodyError>>),
    Head(CgiHead, Sender<Result<(), ReplyError>>),
    Body(Bytes, Sender<Result<(), ReplyError>>),
    Finish(Option<CgiHead>, Bytes),
    Fail(AppError),
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
            Self::Head(head, done) => {
                let _ = done.send(reply.head(head).await);
            }
            Self::Body(bytes, done) => {
                let _ = done.send(reply.body(bytes).await);
            }
            Self::Finish(head, bytes) => {
                return Some(finish(head, bytes, reply).await.map_err(AppError::from));
            }
            Self::Fail(error) => return Some(Err(error)),
        }
        None
    }
}

async fn finish(head: Option<CgiHead>, bytes: Bytes, reply: &mut Reply) -> Result<(), ReplyError> {
    if let Some(head) = head {
        reply.head(head).await?;
    }
    if !bytes.is_empty() {
        reply.body(bytes).await?;
    }
    Ok(())
}
