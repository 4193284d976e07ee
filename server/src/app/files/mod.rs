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

use std::path::Path;
use std::rc::Rc;

use bytes::Bytes;
use futures_util::future::{FutureExt, LocalBoxFuture};

pub(super) use self::find::Found;
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

    /// The file of a rule, which may be anywhere.
    pub(super) fn at(&self, path: &str) -> Option<Found> {
        find::regular(Path::new(path))
    }

    /// Answers with a file.
    pub(super) async fn answer(
        &self,
        found: Found,
        request: Request,
        reply: &mut Reply,
    ) -> Result<(), AppError> {
        answer::answer(self, found, request, reply).await
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
