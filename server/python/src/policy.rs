//! What the options say of requests to Python applications.

use gateserve::options::Settings;

/// The options that matter to one request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Policy {
    /// Another thread of this process may call the application at the same time.
    pub(crate) multithread: bool,
    /// Another process may.
    pub(crate) multiprocess: bool,
    /// `wsgi-disable-file-wrapper` is not given.
    pub(crate) file_wrapper: bool,
    /// `catch-exceptions`: tracebacks go to the client.
    pub(crate) catch_exceptions: bool,
    /// `disable-write-exception`: an application is not told that its client went away.
    pub(crate) disable_write_exception: bool,
}

impl Policy {
    pub(crate) fn of(settings: &Settings) -> Self {
        let python = settings.apps.python.as_ref();
        Self {
            multithread: settings.processes.threads > 1,
            multiprocess: settings.processes.workers > 1,
            file_wrapper: python.is_none_or(|python| python.file_wrapper),
            catch_exceptions: python.is_some_and(|python| python.catch_exceptions),
            disable_write_exception: false,
        }
    }
}
