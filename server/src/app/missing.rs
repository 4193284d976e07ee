//! What answers where there is no application: `need-app = false` (uWSGI's "full dynamic mode").

use futures_util::future::{FutureExt, LocalBoxFuture};
use wire::cgi::CgiHead;

use super::{App, AppError};
use crate::exchange::{Reply, Request};
use crate::log;

/// uWSGI's log line for a request that no application answers.
pub const NO_APPLICATION: &str =
    "--- no python application found, check your startup logs for errors ---";

/// uWSGI's body of such a reply.
const BODY: &[u8] = b"Internal Server Error";

/// Answers 500 to everything.
pub(super) struct MissingApp;

impl App for MissingApp {
    fn serve<'a>(
        &'a self,
        _request: Request,
        reply: &'a mut Reply,
    ) -> LocalBoxFuture<'a, Result<(), AppError>> {
        async move {
            log::tell(NO_APPLICATION);
            let (head, body) = no_application();
            reply.head(head).await?;
            Ok(reply.body(body.into()).await?)
        }
        .boxed_local()
    }
}

/// uWSGI's reply to a request that no application answers.
pub fn no_application() -> (CgiHead, &'static [u8]) {
    let head = CgiHead::new(500)
        .with("Content-Type", "text/plain")
        .with("Content-Length", BODY.len().to_string());
    (head, BODY)
}
