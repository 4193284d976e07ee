//! Harakiri for applications that do not block: the event loop gives the request up, and no worker
//! has to die for it.

use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{FutureExt, LocalBoxFuture};
use tokio::time::timeout;

use super::{App, AppError};
use crate::exchange::{Reply, Request};
use crate::harakiri::Suspect;
use crate::log;

/// An application that gets so long for a request.
pub(super) struct Limited {
    app: Rc<dyn App>,
    limit: Duration,
}

impl Limited {
    /// `app`, with `limit` if there is one.
    pub(super) fn limit(app: Rc<dyn App>, limit: Option<Duration>) -> Rc<dyn App> {
        match limit {
            Some(limit) => Rc::new(Self { app, limit }),
            None => app,
        }
    }
}

impl App for Limited {
    fn serve<'a>(
        &'a self,
        request: Request,
        reply: &'a mut Reply,
    ) -> LocalBoxFuture<'a, Result<(), AppError>> {
        let suspect = Suspect::of(&request.environ);
        async move {
            let served = timeout(self.limit, self.app.serve(request, reply)).await;
            served.unwrap_or_else(|_| {
                log::fault(&suspect.line(0));
                let seconds = self.limit.as_secs();
                let reason = format!("request took longer than {seconds} s (harakiri)");
                Err(AppError::new(504, reason))
            })
        }
        .boxed_local()
    }

    fn has(&self, path: &Bytes) -> bool {
        self.app.has(path)
    }
}
