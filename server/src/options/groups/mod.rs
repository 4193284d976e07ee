//! The options, one file a group: their table, their settings, and the way from one to the other.

pub(super) mod accepted;
pub(super) mod apps;
pub(super) mod cgi;
mod cgi_rights;
pub(super) mod cgi_warm;
pub(super) mod cheaper;
pub(super) mod configuration;
pub(super) mod cron;
pub(super) mod daemons;
pub(super) mod destinations;
pub(super) mod files;
pub(super) mod gateway;
pub(super) mod harakiri;
pub(super) mod headers;
pub(super) mod hooks;
pub(super) mod http;
mod keyvals;
pub(super) mod limits;
pub(super) mod log;
pub(super) mod loggers;
pub(super) mod memory;
pub(super) mod names;
pub(super) mod processes;
pub(super) mod python;
pub(super) mod python_apps;
pub(super) mod recycle;
pub(super) mod reload;
pub(super) mod routing;
pub(super) mod sockets;
pub(super) mod stats;
pub(super) mod system;
pub(super) mod tls;
pub(super) mod touch;
pub(super) mod trace;
pub(super) mod web_servers;
pub(super) mod writes;

use super::opt::Opt;

/// The tables of all groups, in the order of help and manual.
pub(super) static TABLES: &[&[Opt]] = &[
    sockets::OPTIONS,
    tls::OPTIONS,
    limits::OPTIONS,
    http::OPTIONS,
    apps::OPTIONS,
    python_apps::OPTIONS,
    python::OPTIONS,
    cgi::OPTIONS,
    cgi_warm::OPTIONS,
    files::OPTIONS,
    routing::OPTIONS,
    headers::OPTIONS,
    gateway::OPTIONS,
    processes::OPTIONS,
    cheaper::OPTIONS,
    recycle::OPTIONS,
    reload::OPTIONS,
    touch::OPTIONS,
    web_servers::OPTIONS,
    harakiri::OPTIONS,
    memory::OPTIONS,
    names::OPTIONS,
    system::OPTIONS,
    hooks::OPTIONS,
    daemons::OPTIONS,
    cron::OPTIONS,
    stats::OPTIONS,
    trace::OPTIONS,
    log::OPTIONS,
    destinations::OPTIONS,
    loggers::OPTIONS,
    writes::OPTIONS,
    configuration::OPTIONS,
    accepted::OPTIONS,
];
