//! What the options mean, worked out once: nothing below looks at option texts again.

use std::ffi::OsString;

use super::groups::apps::AppSettings;
use super::groups::cheaper::CheaperSettings;
use super::groups::cron::CronSettings;
use super::groups::daemons::DaemonSettings;
use super::groups::destinations::DestinationSettings;
use super::groups::files::FileSettings;
use super::groups::harakiri::HarakiriSettings;
use super::groups::headers::HeaderSettings;
use super::groups::hooks::HookSettings;
use super::groups::http::HttpSettings;
use super::groups::limits::Limits;
use super::groups::log::LogSettings;
use super::groups::loggers::LoggersSettings;
use super::groups::memory::MemorySettings;
use super::groups::names::ProcessNames;
use super::groups::processes::ProcessSettings;
use super::groups::recycle::RecycleSettings;
use super::groups::reload::ReloadSettings;
use super::groups::routing::Route;
use super::groups::sockets::{ListenerSettings, SocketSettings};
use super::groups::stats::StatsSettings;
use super::groups::system::SystemSettings;
use super::groups::touch::TouchSettings;
use super::groups::trace::TraceSettings;
use super::groups::writes::WriteSettings;

/// The whole configuration, one field a group of options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// What to listen on; at least one, at most [`MAX_SOCKETS`](super::MAX_SOCKETS).
    pub listeners: Vec<ListenerSettings>,
    /// How sockets are made.
    pub sockets: SocketSettings,
    /// Sizes and times that bound one request.
    pub limits: Limits,
    /// HTTP as a server.
    pub http: HttpSettings,
    /// Header fields that every reply gets or loses.
    pub headers: HeaderSettings,
    /// Rules that look at a request before the application gets it, in order.
    pub routes: Vec<Route>,
    /// Static files.
    pub files: FileSettings,
    /// What becomes of a reply that its client does not wait for.
    pub writes: WriteSettings,
    /// What answers.
    pub apps: AppSettings,
    /// Master and workers.
    pub processes: ProcessSettings,
    /// How many workers there are, by what is to be done.
    pub cheaper: CheaperSettings,
    /// When a worker makes room for a fresh one.
    pub recycle: RecycleSettings,
    /// The time that a request may take.
    pub harakiri: HarakiriSettings,
    /// The memory that a worker may take.
    pub memory: MemorySettings,
    /// Reloading and stopping.
    pub reload: ReloadSettings,
    /// What reloads or stops the server from outside.
    pub touch: TouchSettings,
    /// What `ps` shows.
    pub names: ProcessNames,
    /// Folder, user, files.
    pub system: SystemSettings,
    /// What runs at a point of the server's life.
    pub hooks: HookSettings,
    /// What runs beside the workers.
    pub daemons: Vec<DaemonSettings>,
    /// What runs at its times.
    pub crons: Vec<CronSettings>,
    /// What the server tells of itself.
    pub stats: StatsSettings,
    /// What is told of the steps of each request.
    pub trace: TraceSettings,
    /// What the log says.
    pub log: LogSettings,
    /// Where the log goes.
    pub destinations: DestinationSettings,
    /// Several logs.
    pub loggers: LoggersSettings,
    /// What `print` says, one line each, for standard output.
    pub prints: Vec<String>,
    /// Whether to print the configuration before serving.
    pub show_config: bool,
    /// What happens in place of options that are accepted, one sentence each.
    pub notices: Vec<String>,
    /// The command line, program name first: what a reload runs again.
    pub arguments: Vec<String>,
    /// The environment of the start, before `env` and `unenv`: what a reload runs with.
    pub environment: Vec<(OsString, OsString)>,
    /// The options that were given, as the statistics in the log show them.
    pub given: String,
    /// What the user should know, one sentence each.
    pub warnings: Vec<String>,
}
