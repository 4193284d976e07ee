//! The receiving half of an exchange.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::LocalBoxFuture;

use super::PIECE;

/// Why a request body ended before its end. The peer (client or gateway) is at fault in each.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum BodyError {
    /// The connection closed while body bytes were still due.
    #[error("client closed the connection in the middle of the request body")]
    ClientGone,
    /// The gateway sent a FastCGI `ABORT_REQUEST`.
    #[error("gateway aborted the request")]
    Aborted,
    /// No byte came for this long.
    #[error("client sent nothing of the request body for {} s", .0.as_secs())]
    TimedOut(Duration),
    /// The body broke its own framing; the text says how.
    #[error("request body is malformed: {0}")]
    Malformed(String),
}

/// Where a listener's body bytes come from.
pub(crate) trait Intake {
    /// The next piece, of at most [`PIECE`] bytes and never empty; `None` at the end. Dropping the
    /// future loses nothing.
    fn chunk(&mut self) -> LocalBoxFuture<'_, Result<Option<Bytes>, BodyError>>;
}

/// A request body, handed out piece by piece.
///
/// Dropping it unread is allowed: the listener then discards what is left.
pub struct Body {
    source: Source,
    length: Option<u64>,
}

enum Source {
    Held(Bytes),
    Listener(Box<dyn Intake>),
}

impl Body {
    /// No body at all.
    pub fn empty() -> Self {
        Self::from_bytes(Bytes::new())
    }

    /// A body that has arrived whole.
    pub fn from_bytes(bytes: Bytes) -> Self {
        Self {
            length: Some(bytes.len() as u64),
            source: Source::Held(bytes),
        }
    }

    /// A body that a listener is still receiving; `length` is `None` where nobody announced it.
    pub(crate) fn incoming(length: Option<u64>, intake: Box<dyn Intake>) -> Self {
        Self {
            length,
            source: Source::Listener(intake),
        }
    }

    /// The next piece, of at most 64 KiB and never empty; `None` at the end of the body.
    /// Dropping the future loses nothing.
    ///
    /// # Errors
    /// The client or gateway went away, aborted, timed out, or broke the body's framing.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, BodyError> {
        match &mut self.source {
            Source::Held(bytes) if bytes.is_empty() => Ok(None),
            Source::Held(bytes) => Ok(Some(bytes.split_to(bytes.len().min(PIECE)))),
            Source::Listener(intake) => intake.chunk().await,
        }
    }

    /// The whole body's size in bytes, where it was announced (`CONTENT_LENGTH`).
    pub fn length(&self) -> Option<u64> {
        self.length
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body")
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn pieces(mut body: Body) -> Vec<usize> {
        let mut sizes = Vec::new();
        while let Some(piece) = body.chunk().await.unwrap() {
            sizes.push(piece.len());
        }
        sizes
    }

    #[tokio::test]
    async fn an_empty_body_ends_at_once() {
        assert_eq!(pieces(Body::empty()).await, Vec::<usize>::new());
    }

    #[tokio::test]
    async fn a_held_body_comes_in_bounded_pieces() {
        let body = Body::from_bytes(vec![7; PIECE + 1].into());
        assert_eq!(body.length(), Some(PIECE as u64 + 1));
        assert_eq!(pieces(body).await, [PIECE, 1]);
    }
}
