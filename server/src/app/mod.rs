//! Applications: what answers a request once a listener has read it.

mod call;
pub mod cgi;
mod files;
pub mod forward;
mod limited;
mod lines;
mod load;
mod missing;
mod patience;
pub mod probe;
mod redirect;
mod router;
mod routes;
mod spool;

use std::io;

use bytes::Bytes;
use futures_util::future::LocalBoxFuture;
use nix::errno::Errno;
use wire::cgi::CgiHead;
use wire::http::reason_phrase;

use crate::exchange::{BodyError, Reply, ReplyError, Request};

pub use call::{Arrived, Call, Mountpoints, log_variable, set_log_variable};
pub(crate) use call::{Queue, TURN_AFTER, Turner, spawn_connection};
pub(crate) use load::load;
pub use missing::{NO_APPLICATION, no_application};
pub use redirect::Redirect;
use router::full_path;
pub use router::{Mount, Router};
pub(crate) use spool::buffered;

/// Something that answers requests. One instance serves all requests of a worker, many at a time,
/// all on one thread.
pub trait App {
    /// Answers one request. The reply is complete when this returns `Ok`; on `Err` the listener
    /// answers the error's status if no head was sent, else cuts the reply off so that the client
    /// can tell.
    fn serve<'a>(
        &'a self,
        request: Request,
        reply: &'a mut Reply,
    ) -> LocalBoxFuture<'a, Result<(), AppError>>;

    /// Whether it has something at `path`, decoded and below its mount. Asked before a local
    /// redirect is answered here that a gateway in front could follow as well.
    fn has(&self, path: &Bytes) -> bool {
        let _ = path;
        true
    }
}

/// A request that could not be answered as wished.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("{log}")]
pub struct AppError {
    /// The status to answer if no head was sent yet.
    pub status: u16,
    /// What the log is to say.
    pub log: String,
}

impl AppError {
    /// An error that answers `status` and logs `log`.
    pub fn new(status: u16, log: impl Into<String>) -> Self {
        Self {
            status,
            log: log.into(),
        }
    }
}

/// The status for a failure of the system: 503 where this server has run out of something, which
/// passes, else `otherwise`.
pub(crate) fn status_of(error: &io::Error, otherwise: u16) -> u16 {
    match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::EMFILE | Errno::ENFILE | Errno::ENOMEM | Errno::EADDRNOTAVAIL) => 503,
        _ => otherwise,
    }
}

impl From<BodyError> for AppError {
    fn from(error: BodyError) -> Self {
        let status = match error {
            BodyError::TimedOut(_) => 408,
            BodyError::TooLarge(_) => 413,
            BodyError::ClientGone | BodyError::Aborted | BodyError::Malformed(_) => 400,
        };
        Self::new(status, error.to_string())
    }
}

/// The status of a request whose client left before the head of its reply, as nginx logs it. Nobody
/// is sent it.
pub(crate) const CLIENT_GONE: u16 = 499;

impl From<ReplyError> for AppError {
    fn from(error: ReplyError) -> Self {
        let status = match error {
            ReplyError::ClientGone => CLIENT_GONE,
            _ => 500,
        };
        Self::new(status, error.to_string())
    }
}

/// Answers a bare status with a one-line text, as this server does where no application answers.
pub(crate) async fn plain(reply: &mut Reply, status: u16) -> Result<(), ReplyError> {
    let (head, text) = plain_reply(status);
    reply.head(head).await?;
    reply.body(text.into()).await
}

/// The head and body of [`plain`].
pub(crate) fn plain_reply(status: u16) -> (CgiHead, String) {
    let reason = reason_phrase(status);
    let text = format!("{status} {reason}\n");
    let head = CgiHead::new(status)
        .with("Content-Type", "text/plain; charset=utf-8")
        .with("Content-Length", text.len().to_string());
    (head, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runs_out_comes_back() {
        let status = |errno: Errno| status_of(&errno.into(), 502);
        assert_eq!(status(Errno::EMFILE), 503);
        assert_eq!(status(Errno::ECONNREFUSED), 502);
    }
}
