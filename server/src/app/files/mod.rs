//! Static files, before the application is asked.
//!
//! ```text
//! find (path → file) ──▶ variant (FILE.br, FILE.gz) ──▶ answer (304, 206, 200) ──▶ Reply::file
//!   └─ nothing: the application
//! ```

mod answer;
mod find;
mod mime;
mod range;
mod variant;

use std::rc::Rc;

use bytes::Bytes;
use futures_util::future::{FutureExt, LocalBoxFuture};

use self::mime::MimeTypes;
use super::{App, AppError};
use crate::exchange::{Reply, Request};
use crate::options::FileSettings;

/// Serves files; what is none goes to another application.
pub(crate) struct FilesApp {
    settings: FileSettings,
    types: MimeTypes,
    next: Rc<dyn App>,
}

impl FilesApp {
    /// In front of `next`.
    pub(crate) fn new(settings: &FileSettings, next: Rc<dyn App>) -> Self {
        Self {
            types: MimeTypes::load(&settings.mime_files),
            settings: settings.clone(),
            next,
        }
    }
}

impl App for FilesApp {
    fn serve<'a>(
        &'a self,
        request: Request,
        reply: &'a mut Reply,
    ) -> LocalBoxFuture<'a, Result<(), AppError>> {
        match find::find(&self.settings, &request.environ) {
            Some(found) => answer::answer(self, found, request, reply).boxed_local(),
            None => self.next.serve(request, reply),
        }
    }

    fn has(&self, path: &Bytes) -> bool {
        self.next.has(path)
    }
}
