//! From settings to applications.

use std::rc::Rc;
use std::time::Duration;

use super::call::{CallApp, Queue};
use super::cgi::{self, SetupError};
use super::files::FilesApp;
use super::forward::ForwardApp;
use super::missing::MissingApp;
use super::probe::ProbeApp;
use super::routes::RoutesApp;
use super::{App, Mount, Router};
use crate::options::{AppSettings, ListenerSettings, Settings, Upstream};

/// The applications of one worker.
pub(crate) struct Apps {
    mounted: Rc<dyn App>,
    /// The built-in gateway, if an upstream is configured.
    forward: Option<Rc<dyn App>>,
}

impl Apps {
    /// Puts routing rules and static files before the applications, where there are any.
    pub(crate) fn behind_rules(mut self, settings: &Settings) -> Self {
        if settings.files.is_used() {
            self.mounted = Rc::new(FilesApp::new(&settings.files, self.mounted));
        }
        if !settings.routes.is_empty() {
            let files = FilesApp::new(&settings.files, Rc::clone(&self.mounted));
            self.mounted = Rc::new(RoutesApp::new(&settings.routes, files, self.mounted));
        }
        self
    }

    /// What answers the requests of a listener.
    pub(crate) fn behind(&self, listener: &ListenerSettings) -> Rc<dyn App> {
        let forward = self.forward.as_ref().filter(|_| listener.forwards);
        Rc::clone(forward.unwrap_or(&self.mounted))
    }
}

/// Loads what the settings name; `calls` leads to the synchronous applications, and all others get
/// so long for a request as `limit` says.
///
/// # Errors
/// Something that is configured and not there.
pub(crate) fn load(
    settings: &AppSettings,
    limit: Option<Duration>,
    calls: &Queue,
) -> Result<Apps, SetupError> {
    let mut mounts = cgi::mounts(&settings.cgi, &settings.cgi_settings)?;
    if settings.probe {
        mounts.push(Mount::new("/", Rc::new(ProbeApp)));
    }
    mounts = mounts.into_iter().map(|it| it.limited(limit)).collect();
    // Which application answers is the language's matter.
    if settings.python.is_some() {
        mounts.push(Mount::new("/", Rc::new(CallApp::new(calls.clone()))));
    }
    if mounts.is_empty() {
        mounts.push(Mount::new("/", Rc::new(MissingApp)));
    }
    Ok(Apps {
        mounted: Rc::new(Router::new(mounts)),
        forward: settings.upstream.clone().map(|it| forward(it, limit)),
    })
}

/// The router follows local redirects.
fn forward(upstream: Upstream, limit: Option<Duration>) -> Rc<dyn App> {
    let prefix = upstream.prefix.clone();
    let app = Mount::new(&prefix, Rc::new(ForwardApp::new(upstream)));
    Rc::new(Router::new(vec![app.limited(limit)]))
}
