//! Options with uWSGI's names, from the command line, ini files and the environment.
//!
//! ```text
//! cli ──┐
//! env ──┼──▶ Gathered ──resolve──▶ Settings
//! ini ──┘
//! ```
//!
//! The command line counts before the environment, and that before ini files. Options that may
//! be repeated add up.

mod cli;
mod env;
mod error;
mod foreign;
mod given;
mod groups;
mod ini;
mod manual;
mod opt;
mod placeholders;
mod resolve;
mod settings;
mod show;
mod table;
mod values;

pub use error::OptionError;
pub use given::{Gathered, Given, Origin};
pub use groups::apps::AppSettings;
pub use groups::cgi::{CgiMount, CgiSettings};
pub use groups::destinations::{DestinationSettings, LogTarget};
pub use groups::gateway::Upstream;
pub use groups::harakiri::{Graceful, HarakiriSettings};
pub use groups::headers::HeaderSettings;
pub use groups::hooks::HookSettings;
pub use groups::http::HttpSettings;
pub use groups::limits::Limits;
pub use groups::log::{DateStyle, LogSettings, Unusual};
pub use groups::names::ProcessNames;
pub use groups::processes::ProcessSettings;
pub use groups::python::{PythonApp, PythonSettings, PythonSource};
pub use groups::recycle::RecycleSettings;
pub use groups::reload::ReloadSettings;
pub use groups::sockets::{ListenerSettings, MAX_SOCKETS, SocketSettings};
pub use groups::system::{Identity, Pidfiles, ProcessLimits, RootUntil, SystemSettings};
pub use groups::writes::WriteSettings;
pub use manual::manual;
pub use opt::{Opt, Takes, Topic};
pub use settings::Settings;
pub use show::show;
pub use table::all;

/// What a start of the program comes to.
#[derive(Debug)]
pub enum Wanted {
    /// To serve with these settings; the options behind them are kept to be shown.
    Serve(Box<Settings>, Gathered),
    /// To print this and exit with 0.
    Print(Vec<u8>),
}

/// Reads the configuration: arguments (program name first) and environment, with the files that
/// they name.
///
/// # Errors
/// Anything that cannot be understood or used, in words for the user.
pub fn load(
    args: impl IntoIterator<Item = String>,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Wanted, OptionError> {
    let (arguments, files) = match cli::read(args)? {
        cli::Asked::Print(text) => return Ok(Wanted::Print(text)),
        cli::Asked::Serve { gathered, files } => (gathered, files),
    };
    let environment = env::read(environment);
    let mut gathered = Gathered::default();
    for given in environment.all("ini").chain(arguments.all("ini")) {
        gathered.extend(ini::read(&given.value)?);
    }
    for file in files {
        gathered.extend(ini::read(&file_argument(file)?)?);
    }
    gathered.extend(environment);
    gathered.extend(arguments);
    let settings = resolve::resolve(&gathered)?;
    Ok(Wanted::Serve(Box::new(settings), gathered))
}

/// An argument without an option must look like an ini file, else it is a slip.
fn file_argument(argument: String) -> Result<String, OptionError> {
    let file = argument
        .split_once(":")
        .map_or(argument.as_str(), |(file, _)| file);
    if file.ends_with(".ini") || std::path::Path::new(file).is_file() {
        Ok(argument)
    } else {
        Err(OptionError::Stray(argument))
    }
}
