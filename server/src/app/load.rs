//! From settings to applications.

use std::rc::Rc;
use std::time::Duration;

use super::call::{CallApp, Queue};
use super::cgi::{self, SetupError};
use super::files::FilesApp;
use super::forward::ForwardApp;
use super::missing::MissingApp;
use super::probe::ProbeApp;
use super::redirect::FollowApp;
use super::routes::RoutesApp;
use super::{App, Mount, Router};
use crate::options::{ListenerSettings, Settings, Upstream};

/// The applications of one worker.
pub(crate) struct Apps {
    mounted: Rc<dyn App>,
    /// The built-in gateway, if an upstream is configured.
    forward: Option<Rc<dyn App>>,
}

/// What stands in front of the applications.
#[derive(Clone, Copy)]
struct Front<'a>(&'a Settings);

impl Front<'_> {
    fn is_there(self) -> bool {
        self.0.files.is_used() || !self.0.routes.is_empty()
    }

    /// Puts routing rules and static files before a router, where there are any.
    fn before(self, router: Router) -> Rc<dyn App> {
        if !self.is_there() {
            return Rc::new(router);
        }
        let (files, routes) = (&self.0.files, &self.0.routes);
        let mut app: Rc<dyn App> = Rc::new(router.leaving_redirects());
        if files.is_used() {
            app = Rc::new(FilesApp::new(files, app));
        }
        if !routes.is_empty() {
            let files = FilesApp::new(files, Rc::clone(&app));
            app = Rc::new(RoutesApp::new(routes, files, app));
        }
        Rc::new(FollowApp::new(app))
    }
}

impl Apps {
    /// What answers the requests of a listener.
    pub(crate) fn behind(&self, listener: &ListenerSettings) -> Rc<dyn App> {
        let forward = self.forward.as_ref().filter(|_| listener.forwards);
        Rc::clone(forward.unwrap_or(&self.mounted))
    }
}

/// Loads what the settings name, with rules and static files in front; `calls` leads to the
/// synchronous applications, and all others get so long for a request as `limit` says.
///
/// Rules are followed once: before the applications here, or, where there are none, before what is
/// forwarded, as uWSGI's HTTP router leaves them to the workers behind it.
///
/// # Errors
/// Something that is configured and not there.
pub(crate) fn load(
    settings: &Settings,
    limit: Option<Duration>,
    calls: &Queue,
) -> Result<Apps, SetupError> {
    let (apps, front) = (&settings.apps, Front(settings));
    let mut mounts = cgi::mounts(&apps.cgi, &apps.cgi_settings)?;
    if apps.probe {
        mounts.push(Mount::new("/", Rc::new(ProbeApp)));
    }
    mounts = mounts.into_iter().map(|it| it.limited(limit)).collect();
    // Which application answers is the language's matter.
    if apps.python.is_some() {
        mounts.push(Mount::new("/", Rc::new(CallApp::new(calls.clone()))));
    }
    let is_gateway_alone = mounts.is_empty();
    if is_gateway_alone {
        mounts.push(Mount::new("/", Rc::new(MissingApp)));
    }
    let forward = forward(&apps.upstreams, limit).map(|router| match is_gateway_alone {
        true => front.before(router),
        false => Rc::new(router),
    });
    Ok(Apps {
        mounted: front.before(Router::new(mounts)),
        forward,
    })
}

fn forward(upstreams: &[Upstream], limit: Option<Duration>) -> Option<Router> {
    let mount = |upstream: &Upstream| {
        let app = Rc::new(ForwardApp::new(upstream.clone()));
        Mount::new(&upstream.prefix, app).limited(limit)
    };
    let mounts: Vec<Mount> = upstreams.iter().map(mount).collect();
    (!mounts.is_empty()).then(|| Router::new(mounts))
}
