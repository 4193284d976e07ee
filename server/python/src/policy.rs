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
    /// Failed writes of one reply that its application is not told of: none by itself, all with
    /// `disable-write-exception`.
    pub(crate) write_tolerance: u64,
}

impl Policy {
    pub(crate) fn of(settings: &Settings) -> Self {
        let python = settings.apps.python.as_ref();
        Self {
            multithread: settings.processes.threads > 1,
            multiprocess: settings.processes.workers > 1,
            file_wrapper: python.is_none_or(|python| python.file_wrapper),
            catch_exceptions: python.is_some_and(|python| python.catch_exceptions),
            write_tolerance: match settings.writes.disable_exception {
                true => u64::MAX,
                false => settings.writes.tolerance,
            },
        }
    }
}
