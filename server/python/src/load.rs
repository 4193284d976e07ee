//! Loading applications.

use std::time::Instant;

use gateserve::app::Mountpoints;
use gateserve::language::LoadError;
use gateserve::options::{PythonApp, PythonSettings, PythonSource, Settings};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use crate::app::App;
use crate::{source, startup, tell};

/// The applications, and where they are mounted.
pub(crate) struct Apps {
    pub(crate) mounted: Mountpoints,
    pub(crate) apps: Vec<App>,
}

/// Loads every application, in order. One that cannot be loaded is left out, unless it is mounted
/// from a file.
///
/// # Errors
/// No application at all, under `need-app`.
pub(crate) fn all(
    py: Python<'_>,
    python: &PythonSettings,
    settings: &Settings,
) -> Result<Apps, LoadError> {
    import(py, &python.imports);
    let mut loading = Loading::new(python);
    for app in &python.apps {
        loading.load(py, app, python)?;
    }
    if loading.apps.apps.is_empty() {
        if settings.apps.need_app {
            return Err(game_over());
        }
        gateserve::tell("*** no app loaded. going in full dynamic mode ***");
    }
    if !settings.processes.lazy_apps {
        before_fork(py);
    }
    Ok(loading.apps)
}

fn game_over() -> LoadError {
    gateserve::tell("*** no app loaded. GAME OVER ***");
    LoadError("the Python application cannot be loaded".to_owned())
}

/// Imports modules and files. As in uWSGI the server starts even if one is not there.
pub(crate) fn import(py: Python<'_>, names: &[String]) {
    for name in names {
        if let Err(error) = source::import(py, name) {
            tell::exception(py, &error);
        }
    }
}

struct Loading {
    apps: Apps,
    default_app: bool,
}

impl Loading {
    fn new(python: &PythonSettings) -> Self {
        let mut mounted = Mountpoints::default();
        mounted.manage_script_name = python.manage_script_name;
        mounted.ignore_script_name = python.ignore_script_name;
        Self {
            apps: Apps {
                mounted,
                apps: Vec::new(),
            },
            default_app: python.default_app,
        }
    }

    fn load(
        &mut self,
        py: Python<'_>,
        app: &PythonApp,
        python: &PythonSettings,
    ) -> Result<(), LoadError> {
        let PythonApp { mountpoint, source } = app;
        if !mountpoint.is_empty() {
            gateserve::tell(&format!("mounting {} on {mountpoint}", name(source)));
        }
        let since = Instant::now();
        match source::load(py, source, python) {
            Ok(found) => self.found(mountpoint, &found, since),
            Err(error) => {
                tell::exception(py, &error);
                let number = self.apps.apps.len();
                gateserve::tell(&format!(
                    "unable to load app {number} (mountpoint='{mountpoint}') (callable not found \
                     or import error)"
                ));
                match (mountpoint.is_empty(), source) {
                    (false, PythonSource::File(_)) => Err(game_over()),
                    _ => Ok(()),
                }
            }
        }
    }

    /// A dictionary holds many applications, or their names in the module, by mount point.
    fn found(
        &mut self,
        mountpoint: &str,
        found: &Bound<'_, PyAny>,
        since: Instant,
    ) -> Result<(), LoadError> {
        let Ok(many) = found.cast::<PyDict>() else {
            self.add(mountpoint, found, since);
            return Ok(());
        };
        gateserve::tell("found a multiapp module...");
        for (point, app) in many {
            let Ok(point) = point.extract::<String>() else {
                gateserve::tell("applications dictionary key must be a string, skipping.");
                continue;
            };
            if !app.is_callable() || app.is_instance_of::<PyString>() {
                gateserve::tell(&format!("skipping broken app {point}"));
                continue;
            }
            self.add(&point, &app, since);
        }
        Ok(())
    }

    fn add(&mut self, mountpoint: &str, app: &Bound<'_, PyAny>, since: Instant) {
        if !self.apps.mounted.add(mountpoint) {
            gateserve::tell(&format!(
                "mountpoint {mountpoint} already configured. skip."
            ));
            return;
        }
        let number = self.apps.apps.len();
        self.apps.apps.push(App::new(app.clone().unbind()));
        let may_be_default = mountpoint.is_empty() || mountpoint.starts_with('/');
        let is_default = self.default_app && may_be_default && self.apps.mounted.default.is_none();
        if is_default {
            self.apps.mounted.default = Some(number);
        }
        gateserve::tell(&format!(
            "WSGI app {number} (mountpoint='{mountpoint}') ready in {} seconds on interpreter {:p} \
             pid: {}{}",
            since.elapsed().as_secs(),
            app.py().None().as_ptr(),
            std::process::id(),
            if is_default { " (default app)" } else { "" },
        ));
    }
}

fn name(source: &PythonSource) -> String {
    match source {
        PythonSource::Module {
            name,
            callable: Some(callable),
        } => format!("{name}:{callable}"),
        PythonSource::Module { name, .. } | PythonSource::Paste(name) => name.clone(),
        PythonSource::File(file) => file.display().to_string(),
    }
}

/// Readies what the master has loaded for the forks to come.
fn before_fork(py: Python<'_>) {
    if let Ok(threads @ 2..) = startup::threads(py) {
        gateserve::tell(&format!(
            "*** the application has started {} thread(s) in the master: they will not run in \
             the workers; start them in a function for @uwsgidecorators.postfork, or load with \
             lazy-apps ***",
            threads - 1
        ));
    }
    if let Err(error) = startup::freeze(py) {
        tell::exception(py, &error);
    }
}
