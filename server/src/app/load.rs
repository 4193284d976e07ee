//! From settings to applications.

use std::rc::Rc;

use super::cgi::{self, SetupError};
use super::probe::ProbeApp;
use super::{App, Mount, Router};
use crate::options::{AppSettings, ListenerSettings};

/// The applications of one worker.
pub(crate) struct Apps {
    mounted: Rc<dyn App>,
}

impl Apps {
    /// What answers the requests of a listener.
    pub(crate) fn behind(&self, _listener: &ListenerSettings) -> Rc<dyn App> {
        Rc::clone(&self.mounted)
    }
}

/// Loads what the settings name.
///
/// # Errors
/// Something that is configured and not there.
pub(crate) fn load(settings: &AppSettings) -> Result<Apps, SetupError> {
    let mut mounts = cgi::mounts(&settings.cgi, &settings.cgi_settings)?;
    if settings.probe {
        mounts.push(Mount::new("/", Rc::new(ProbeApp)));
    }
    Ok(Apps {
        mounted: Rc::new(Router::new(mounts)),
    })
}
