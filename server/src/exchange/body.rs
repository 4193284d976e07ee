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
    /// The body is larger than `limit-post` allows, in bytes.
    #[error("request body exceeds {0} bytes (limit-post)")]
    TooLarge(u64),
    /// The body broke its own framing; the text says how.
    #[error("request body is malformed: {0}")]
    Malformed(String),
}

/// Where a listener's body bytes come from.
pub(crate) trait Intake {
    /// The next piece, of at most [`PIECE`] bytes and never empty; `None` at the end. Dropping the
    /// future loses nothing.
    fn chunk(&mut self) -> LocalBoxFuture<'_, Result<Option<Bytes>, BodyError>>;

    /// The same as far as it has arrived: neither waits nor asks the client for more. `None` if
    /// there is nothing to say yet.
    fn arrived(&mut self) -> Option<Result<Option<Bytes>, BodyError>> {
        None
    }
}

/// A request body, handed out piece by piece.
///
/// Dropping it unread is allowed: the listener then discards what is left.
pub struct Body {
    source: Source,
    length: Option<u64>,
    limit: u64,
    received: u64,
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
        Self::new(Some(bytes.len() as u64), Source::Held(bytes))
    }

    /// A body that a listener is still receiving; `length` is `None` where nobody announced it.
    pub(crate) fn incoming(length: Option<u64>, intake: Box<dyn Intake>) -> Self {
        Self::new(length, Source::Listener(intake))
    }

    fn new(length: Option<u64>, source: Source) -> Self {
        Self {
            source,
            length,
            limit: u64::MAX,
            received: 0,
        }
    }

    /// Makes a larger body than this, in bytes, an error; at once if its length is known.
    ///
    /// # Errors
    /// [`BodyError::TooLarge`].
    pub(crate) fn limit(&mut self, limit: u64) -> Result<(), BodyError> {
        self.limit = limit;
        self.check(self.length.unwrap_or(0))
    }

    fn check(&self, size: u64) -> Result<(), BodyError> {
        match size > self.limit {
            true => Err(BodyError::TooLarge(self.limit)),
            false => Ok(()),
        }
    }

    /// The next piece, of at most 64 KiB and never empty; `None` at the end of the body.
    /// Dropping the future loses nothing.
    ///
    /// # Errors
    /// The client or gateway went away, aborted, timed out, sent too much, or broke the body's
    /// framing.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, BodyError> {
        let piece = match &mut self.source {
            Source::Held(bytes) => take_held(bytes),
            Source::Listener(intake) => intake.chunk().await?,
        };
        self.count(piece)
    }

    /// What [`chunk`](Self::chunk) would give, if it need not wait. A client that waits for `100
    /// Continue` is not asked for anything.
    ///
    /// # Errors
    /// As [`chunk`](Self::chunk), which will say the same.
    pub(crate) fn arrived(&mut self) -> Option<Result<Option<Bytes>, BodyError>> {
        let piece = match &mut self.source {
            Source::Held(bytes) => take_held(bytes),
            Source::Listener(intake) => match intake.arrived()? {
                Ok(piece) => piece,
                Err(error) => return Some(Err(error)),
            },
        };
        Some(self.count(piece))
    }

    /// Whether all of it, as far as its length is known, has been handed out.
    pub(crate) fn is_over(&self) -> bool {
        self.length.is_some_and(|length| self.received >= length)
    }

    fn count(&mut self, piece: Option<Bytes>) -> Result<Option<Bytes>, BodyError> {
        self.received += piece.as_ref().map_or(0, |piece| piece.len() as u64);
        self.check(self.received)?;
        Ok(piece)
    }

    /// The whole body's size in bytes, where it was announced (`CONTENT_LENGTH`).
    pub fn length(&self) -> Option<u64> {
        self.length
    }
}

fn take_held(bytes: &mut Bytes) -> Option<Bytes> {
    match bytes.is_empty() {
        true => None,
        false => Some(bytes.split_to(bytes.len().min(PIECE))),
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

    #[test]
    fn what_has_arrived_is_handed_out_without_a_wait() {
        let mut body = Body::from_bytes("hello".into());
        assert!(!body.is_over());
        assert_eq!(body.arrived(), Some(Ok(Some("hello".into()))));
        assert!(body.is_over());
        assert_eq!(body.arrived(), Some(Ok(None)));
    }

    #[tokio::test]
    async fn a_body_beyond_its_limit_is_refused_when_that_shows() {
        let body = || Body::from_bytes("hello".into());
        assert_eq!(body().limit(5), Ok(()));
        assert_eq!(body().limit(4), Err(BodyError::TooLarge(4)));
        let mut of_unknown_length = Body::new(None, Source::Held("hello".into()));
        assert_eq!(of_unknown_length.limit(4), Ok(()));
        assert_eq!(of_unknown_length.chunk().await, Err(BodyError::TooLarge(4)));
    }
}
