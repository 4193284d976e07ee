//! Options with uWSGI's names, from the command line, ini files and the environment.
//!
//! ```text
//! env ──┐
//! cli ──┼──▶ config ──▶ Gathered ──resolve──▶ Settings
//! files ┘                   └──────lint─────▶ Checked
//! ```
//!
//! As in uWSGI, a later option overwrites an earlier one: first comes the environment, then the
//! command line with the files that its options name, then the files named without an option.
//! Options that may be repeated add up.

mod cli;
mod config;
mod env;
mod error;
mod fcgiwrap;
mod finding;
mod foreign;
mod given;
mod groups;
mod handed;
mod lint;
mod logger;
mod manual;
mod opt;
mod pattern;
mod resolve;
mod settings;
mod show;
mod table;
mod values;

pub use error::OptionError;
pub use given::{Gathered, Given, Origin, Stray};
pub use groups::apps::AppSettings;
pub use groups::cgi::{CgiMount, CgiSettings};
pub use groups::cgi_warm::WarmSettings;
pub use groups::cheaper::{BusynessSettings, CheaperAlgorithm, CheaperSettings};
pub use groups::cron::{CronSettings, Schedule};
pub use groups::daemons::DaemonSettings;
pub use groups::destinations::{DestinationSettings, LogTarget};
pub use groups::files::{Expires, ExpiresOn, FileServeMode, FileSettings, StaticMap};
pub use groups::gateway::{Scripts, Upstream};
pub use groups::harakiri::{Graceful, HarakiriSettings};
pub use groups::headers::HeaderSettings;
pub(crate) use groups::headers::field as header_field;
pub use groups::hooks::HookSettings;
pub use groups::http::HttpSettings;
pub use groups::limits::Limits;
pub use groups::log::{DateStyle, LogSettings, Unusual};
pub use groups::loggers::LoggersSettings;
pub use groups::memory::{MemoryLimits, MemorySettings};
pub use groups::names::ProcessNames;
pub use groups::processes::ProcessSettings;
pub use groups::python::PythonSettings;
pub use groups::python_apps::{PythonApp, PythonSource};
pub use groups::recycle::RecycleSettings;
pub use groups::reload::ReloadSettings;
pub use groups::routing::{Action, Compared, Condition, OnDisk, Route, Test};
pub use groups::sockets::{ListenerSettings, MAX_SOCKETS, SocketSettings};
pub use groups::stats::StatsSettings;
pub use groups::system::{Identity, Pidfiles, ProcessLimits, RootUntil, SystemSettings};
pub use groups::tls::{ClientCa, TlsSettings};
pub use groups::touch::TouchSettings;
pub use groups::trace::TraceSettings;
pub use groups::writes::WriteSettings;
pub(crate) use handed::hand_over;
pub use handed::take_over;
pub use logger::{EncoderKind, EncoderSettings, LoggerKind, LoggerSettings, RouteSettings};
pub use manual::manual;
pub use opt::{Opt, Takes, Topic};
pub use pattern::Pattern;
pub use settings::Settings;
pub use show::{listing, show};
pub use table::all;

/// What a start of the program comes to.
#[derive(Debug)]
pub enum Wanted {
    /// To serve with these settings; the options behind them are kept to be shown.
    Serve(Box<Settings>, Gathered),
    /// To print this and exit with 0.
    Print(Vec<u8>),
    /// `check-config`: to print this, styled for a terminal, and exit.
    Checked {
        /// What was found.
        report: String,
        /// Whether the server would start: else the exit code is 1.
        starts: bool,
    },
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
    let line: Vec<String> = args.into_iter().collect();
    let meant = match fcgiwrap::read(&line, crate::socket::is_activated())? {
        Some(fcgiwrap::Meant::Help(text)) => return Ok(Wanted::Print(text.into())),
        Some(fcgiwrap::Meant::Serve(meant)) => meant,
        None => line.clone(),
    };
    let (options, files) = match cli::read(meant)? {
        cli::Asked::Print(text) => return Ok(Wanted::Print(text)),
        cli::Asked::Serve { options, files } => (options, files),
    };
    let gathered = gather(environment, options, files)?;
    if gathered.switch("check-config", false) {
        return Ok(lint::check(&gathered));
    }
    let mut settings = resolve::resolve(&gathered)?;
    settings.arguments = line;
    settings.given = show(&gathered);
    Ok(Wanted::Serve(Box::new(settings), gathered))
}

/// Everything given, in uWSGI's order.
fn gather(
    environment: impl IntoIterator<Item = (String, String)>,
    options: Vec<(String, Option<String>)>,
    files: Vec<String>,
) -> Result<Gathered, OptionError> {
    let mut reader = config::Reader::new(environment)?;
    for (name, value) in options {
        reader.add(&name, value, &Origin::CommandLine)?;
    }
    for file in files {
        reader.add_file(&file)?;
    }
    let mut gathered = reader.finish()?;
    let findings = lint::values(&gathered);
    gathered.findings.extend(findings);
    Ok(gathered)
}
