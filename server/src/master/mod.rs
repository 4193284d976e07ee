//! The master: forks the workers, replaces those that die, and ends them. It never serves, holds
//! no runtime and has one thread, so that forking at any time is sound.

mod fork;
mod life;
mod signals;
mod supervise;
mod tally;

use std::io;

use nix::unistd::{setgid, setgroups, setuid};

use crate::app::cgi::SetupError;
use crate::log;
use crate::options::{ProcessSettings, Settings};
use crate::socket::{BindError, Bound};

pub(crate) use tally::{Board, Tally};

/// Why the server could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A socket.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// An application.
    #[error(transparent)]
    App(#[from] SetupError),
    /// A folder, file, user or group that cannot be used.
    #[error("cannot {what}: {source}")]
    System {
        /// What was tried.
        what: String,
        /// Why it failed.
        source: io::Error,
    },
}

fn system(what: impl Into<String>) -> impl FnOnce(io::Error) -> StartError {
    let what = what.into();
    move |source| StartError::System { what, source }
}

/// Serves until a signal asks for the end.
///
/// # Errors
/// Whatever keeps the server from starting; nothing is left behind then.
pub fn run(settings: &Settings) -> Result<(), StartError> {
    if let Some(folder) = &settings.processes.chdir {
        std::env::set_current_dir(folder)
            .map_err(system(format!("change to folder {}", folder.display())))?;
    }
    if let Some(file) = &settings.log.file {
        log::redirect(file).map_err(system(format!("open log file {}", file.display())))?;
    }
    // Loaded here to be refused here; each worker loads its own after the fork.
    crate::app::load(&settings.apps)?;
    let sockets = bind(settings)?;
    let left_behind = LeftBehind::new(settings, &sockets)?;
    drop_privileges(&settings.processes)?;
    let ended = supervise::supervise(settings, sockets).map_err(system("supervise workers"));
    left_behind.clean();
    ended
}

fn bind(settings: &Settings) -> Result<Vec<Bound>, StartError> {
    let mut sockets = Vec::with_capacity(settings.listeners.len());
    for (index, listener) in settings.listeners.iter().enumerate() {
        let bound = Bound::new(&listener.address, &settings.sockets)?;
        let protocol = listener.protocol.name();
        let (family, name, fd) = (bound.family(), &bound.name, bound.fd());
        log::tell(&format!(
            "{protocol} socket {index} bound to {family} address {name} fd {fd}"
        ));
        sockets.push(bound);
    }
    Ok(sockets)
}

/// Files to remove at the end, under `vacuum`.
struct LeftBehind(Vec<std::path::PathBuf>);

impl LeftBehind {
    /// Writes the pidfile and notes what there is.
    fn new(settings: &Settings, sockets: &[Bound]) -> Result<Self, StartError> {
        let pidfile = settings.processes.pidfile.clone();
        if let Some(file) = &pidfile {
            std::fs::write(file, format!("{}\n", std::process::id()))
                .map_err(system(format!("write pidfile {}", file.display())))?;
        }
        let files = sockets
            .iter()
            .filter_map(|bound| bound.file.clone())
            .chain(pidfile);
        Ok(Self(if settings.sockets.vacuum {
            files.collect()
        } else {
            Vec::new()
        }))
    }

    fn clean(self) {
        for file in self.0 {
            match std::fs::remove_file(&file) {
                Ok(()) => log::tell(&format!("VACUUM: {} removed.", file.display())),
                Err(error) => {
                    log::tell(&format!("VACUUM: {} not removed: {error}", file.display()))
                }
            }
        }
    }
}

/// Group first: without the user's rights it could not be changed any more.
fn drop_privileges(processes: &ProcessSettings) -> Result<(), StartError> {
    if let Some(gid) = processes.gid {
        let changed = setgroups(&[gid]).and_then(|()| setgid(gid));
        changed
            .map_err(io::Error::from)
            .map_err(system(format!("run as group {gid}")))?;
    }
    if let Some(uid) = processes.uid {
        setuid(uid)
            .map_err(io::Error::from)
            .map_err(system(format!("run as user {uid}")))?;
    }
    Ok(())
}
