//! The master: forks the workers, replaces those that die, and ends them. It never serves, holds
//! no runtime and has one thread, so that forking at any time is sound.

mod files;
mod fork;
mod life;
mod news;
mod obituary;
mod privileges;
pub(crate) mod scoreboard;
mod signals;
mod supervise;

use std::io;

use crate::app::Queue;
use crate::app::cgi::SetupError;
use crate::language::{Language, LoadError};
use crate::log;
use crate::options::{Settings, SystemSettings};
use crate::socket::{BindError, Bound};

use files::Files;
pub(crate) use news::{Event, News};
pub(crate) use scoreboard::{Scoreboard, State, WorkerSlot};

/// Why the server could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A socket.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// An application.
    #[error(transparent)]
    App(#[from] SetupError),
    /// An application in a language of its own, which has told what is wrong.
    #[error("no app loaded. GAME OVER: {0}")]
    Language(#[from] LoadError),
    /// Applications are configured that only another program can run.
    #[error("this program does not run Python: start gateserve instead")]
    NoLanguage,
    /// A folder, file, user or group that cannot be used.
    #[error("cannot {what}: {source}")]
    System {
        /// What was tried.
        what: String,
        /// Why it failed.
        source: io::Error,
    },
}

impl StartError {
    /// uWSGI's exit code for this: 22 for an application that does not load.
    pub fn exit_code(&self) -> i32 {
        match self {
            Self::Language(_) => 22,
            _ => 1,
        }
    }
}

fn system(what: impl Into<String>) -> impl FnOnce(io::Error) -> StartError {
    let what = what.into();
    move |source| StartError::System { what, source }
}

/// Serves until a signal asks for the end. `language` runs the synchronous applications.
///
/// # Errors
/// Whatever keeps the server from starting; nothing is left behind then.
pub fn run(settings: &Settings, language: Option<&dyn Language>) -> Result<(), StartError> {
    if settings.apps.python.is_some() && language.is_none() {
        return Err(StartError::NoLanguage);
    }
    let owner = (settings.system.uid, settings.system.gid);
    log::begin(
        &settings.destinations,
        settings.log.date.as_ref(),
        owner,
        false,
    )
    .map_err(system("open the log"))?;
    if let Some(folder) = &settings.system.chdir {
        std::env::set_current_dir(folder)
            .map_err(system(format!("change to folder {}", folder.display())))?;
    }
    // Loaded here to be refused here; each worker loads its own after the fork.
    crate::app::load(&settings.apps, None, &Queue::default())?;
    let mut files = Files::default();
    let sockets = bind(settings, &mut files)?;
    write_pidfile(&settings.system, &mut files)?;
    privileges::give_up(&settings.system)?;
    log::begin_unprivileged(&settings.destinations, false)
        .map_err(system("open the log of logto2"))?;
    if let Some(language) = language.filter(|_| !settings.processes.lazy_apps) {
        language.load(settings)?;
    }
    supervise::supervise(settings, language, sockets).map_err(system("supervise workers"))?;
    files.settle(settings.sockets.vacuum);
    Ok(())
}

fn bind(settings: &Settings, files: &mut Files) -> Result<Vec<Bound>, StartError> {
    let mut sockets = Vec::with_capacity(settings.listeners.len());
    for (index, listener) in settings.listeners.iter().enumerate() {
        let bound = Bound::new(&listener.address, &settings.sockets)?;
        bound.file.iter().for_each(|file| files.add(file.clone()));
        let protocol = listener.protocol.name();
        let (family, name, fd) = (bound.family(), &bound.name, bound.fd());
        log::tell(&format!(
            "{protocol} socket {index} bound to {family} address {name} fd {fd}"
        ));
        sockets.push(bound);
    }
    Ok(sockets)
}

fn write_pidfile(settings: &SystemSettings, files: &mut Files) -> Result<(), StartError> {
    let Some(file) = &settings.pidfile else {
        return Ok(());
    };
    std::fs::write(file, format!("{}\n", std::process::id()))
        .map_err(system(format!("write pidfile {}", file.display())))?;
    files.add(file.clone());
    Ok(())
}
