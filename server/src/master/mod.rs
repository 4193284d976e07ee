//! The master: forks the workers, replaces those that die, and ends them. It never serves, holds
//! no runtime and has one thread, so that forking at any time is sound.

mod adapt;
mod banner;
mod beside;
mod chain;
mod cheaper;
pub(crate) mod codes;
mod command;
mod cron;
mod daemon;
mod daemonize;
pub(crate) mod doing;
mod ending;
mod fifo;
mod files;
pub(crate) mod fork;
mod inspect;
mod life;
mod news;
mod obey;
mod obituary;
mod program;
pub(crate) mod scoreboard;
mod signals;
mod sockets;
mod start;
mod stats;
mod supervise;
mod touch;
mod trial;
mod workers;

use std::io;

use crate::app::cgi::SetupError;
use crate::language::{Language, LoadError};
use crate::options::Settings;
use crate::socket::{BindError, Handover, Relay};
use crate::system::hooks::{self, HookError, HookPhase};
use crate::system::identity::IdentityError;
use crate::system::notify::Notifier;
use crate::system::procname;

use beside::Beside;
use files::Files;
pub(crate) use news::{Event, News};
use program::Program;
pub(crate) use scoreboard::{Groups, Scoreboard, State, WorkerFacts, WorkerSlot};
pub(crate) use signals::keep_mask as keep_signal_mask;
use supervise::Beginning;

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
    #[error("{0}")]
    Language(#[from] LoadError),
    /// Applications are configured that only another program can run.
    #[error("this program does not run Python: start gateserve instead")]
    NoLanguage,
    /// A hook that failed.
    #[error(transparent)]
    Hook(#[from] HookError),
    /// A user or group that the process cannot become.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// A folder or file that cannot be used.
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
            Self::Language(_) => codes::FAILED_APP,
            _ => codes::FAILED,
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
    let ended = serve(settings, language);
    crate::log::finish();
    ended
}

fn serve(settings: &Settings, language: Option<&dyn Language>) -> Result<(), StartError> {
    if language.is_some() {
        procname::set_command_line(&settings.arguments);
    }
    if program::is_trial() {
        trial::end(settings, language);
    }
    let mut handover = Handover::received();
    let resumed = handover.is_some();
    let relay = match handover.as_mut().and_then(Handover::relay) {
        Some(relay) => relay,
        None => Relay::new().map_err(system("make a queue for connections"))?,
    };
    let program =
        Program::of_this_process(settings).map_err(system("tell the folder that this is"))?;
    // Before a change of root or user: its path is the one that the parent sees.
    let notifier = Notifier::from_environment();
    let mut files = Files::default();
    let (sockets, told_at) = start::start(settings, language, handover, &mut files)?;
    hooks::run(&settings.hooks, HookPhase::MasterStart)?;
    let mut beside = Beside::new(settings, files, notifier, told_at);
    let beginning = Beginning {
        settings,
        language,
        sockets,
        relay,
        program: &program,
        resumed,
    };
    let code = supervise::supervise(beginning, &mut beside).map_err(system("supervise workers"))?;
    beside.settle();
    match code {
        codes::FAILED_APP => Err(LoadError("a worker could not load it".into()).into()),
        _ => Ok(()),
    }
}
