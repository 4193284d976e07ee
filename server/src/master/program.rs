//! The program that this server was started as, to be run again on reload.

use std::convert::Infallible;
use std::ffi::{CString, OsString};
use std::fs::File;
use std::io::{self, Read, Seek};
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use nix::unistd::{Pid, execvpe};

use crate::log;
use crate::options::Settings;
use crate::socket::{Address, Bound, Handover, Purpose, Relay};

/// The variable that asks for a trial.
const TRIAL: &str = "GATESERVE_TRIAL";

/// Whether this process is only to see whether its configuration can be used: a running server
/// asks for that before it reloads.
pub(super) fn is_trial() -> bool {
    std::env::var_os(TRIAL).is_some()
}

/// Program, arguments, folder and environment of the start.
#[derive(Debug)]
pub(super) struct Program {
    program: OsString,
    arguments: Vec<String>,
    folder: PathBuf,
    environment: Vec<(OsString, OsString)>,
}

impl Program {
    /// What this process was started as. To be asked before the server changes its folder.
    ///
    /// # Errors
    /// A folder that has been removed.
    pub(super) fn of_this_process(settings: &Settings) -> io::Result<Self> {
        let mut arguments = settings.arguments.iter().cloned();
        let program = match arguments.next() {
            Some(name) => name.into(),
            None => std::env::current_exe()?.into(),
        };
        Ok(Self {
            program,
            arguments: arguments.collect(),
            folder: std::env::current_dir()?,
            environment: settings.environment.clone(),
        })
    }

    /// Its name, for messages.
    pub(super) fn name(&self) -> String {
        self.program.to_string_lossy().into_owned()
    }

    /// The folder that it was started in, for messages.
    pub(super) fn folder(&self) -> String {
        self.folder.display().to_string()
    }

    /// Begins to try whether the program would start with what is configured now.
    pub(super) fn check(&self) -> io::Result<Check> {
        let complaints = tempfile::tempfile()?;
        let child = Command::new(&self.program)
            .args(&self.arguments)
            .env_clear()
            .envs(self.environment.iter().cloned())
            .env(TRIAL, "1")
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(complaints.try_clone()?)
            .spawn()?;
        Ok(Check {
            pid: Pid::from_raw(child.id().cast_signed()),
            complaints,
        })
    }

    /// Becomes the program, which finds the sockets still bound. Returns if that is not possible;
    /// then this process is as it was. The signals that are blocked stay so, that none that comes
    /// meanwhile ends the new program.
    pub(super) fn run_again<'a>(
        &self,
        sockets: impl Iterator<Item = (Purpose, &'a Address, &'a Bound)>,
        relay: &Relay,
    ) -> io::Error {
        let here = std::env::current_dir();
        let failed = self.exec(sockets, relay);
        if let Ok(here) = here {
            // The error above is the one to be told.
            let _ = std::env::set_current_dir(here);
        }
        match failed {
            Ok(never) => match never {},
            Err(error) => error,
        }
    }

    fn exec<'a>(
        &self,
        sockets: impl Iterator<Item = (Purpose, &'a Address, &'a Bound)>,
        relay: &Relay,
    ) -> io::Result<Infallible> {
        std::env::set_current_dir(&self.folder)?;
        let program = c_string(self.program.clone())?;
        let name = std::iter::once(Ok(program.clone()));
        let arguments = self.arguments.iter().map(|it| c_string(it.clone().into()));
        let arguments = name.chain(arguments).collect::<io::Result<Vec<_>>>()?;
        let handover = Handover::announce(sockets, relay)?;
        let variables = self.environment.iter().map(|(name, value)| {
            let mut variable = name.clone();
            variable.push("=");
            variable.push(value);
            c_string(variable)
        });
        let handed = std::iter::once(c_string(handover));
        let variables = variables.chain(handed).collect::<io::Result<Vec<_>>>()?;
        // The new program begins a log's process of its own, if it needs one.
        log::give_back();
        let failed = execvpe(&program, &arguments, &variables);
        log::take_back();
        Ok(failed?)
    }
}

fn c_string(text: OsString) -> io::Result<CString> {
    Ok(CString::new(text.into_vec())?)
}

/// A try of the program that runs.
#[derive(Debug)]
pub(super) struct Check {
    pub(super) pid: Pid,
    complaints: File,
}

impl Check {
    /// What it complained of, line by line.
    pub(super) fn complaints(mut self) -> Vec<String> {
        let mut text = Vec::new();
        let read = self.complaints.rewind().and_then(|()| {
            // More than anyone reads.
            self.complaints.take(64 * 1024).read_to_end(&mut text)
        });
        if let Err(error) = read {
            return vec![format!("its complaints cannot be read: {error}")];
        }
        let text = String::from_utf8_lossy(&text);
        text.lines().map(str::to_owned).collect()
    }
}
