//! What the server tells of itself.

use crate::options::error::OptionError;
use crate::options::given::Gathered;
use crate::options::opt::Takes::{Flag, One};
use crate::options::opt::Topic::Monitoring;
use crate::options::opt::{Opt, opt};
use crate::socket::Address;

use super::sockets;

/// The options of this group.
pub(in crate::options) static OPTIONS: &[Opt] = &[
    opt(
        "stats",
        One("ADDR"),
        Monitoring,
        "Tell whoever connects to ADDR (TCP or Unix socket) how the workers are, as JSON with \
         uWSGI's keys: uwsgitop reads it",
    )
    .aliases(&["stats-server"]),
    opt(
        "stats-http",
        Flag,
        Monitoring,
        "Put an HTTP head before that JSON",
    ),
    opt(
        "stats-minified",
        Flag,
        Monitoring,
        "Leave the white space of that JSON out",
    )
    .aliases(&["stats-min"]),
    opt(
        "stats-no-cores",
        Flag,
        Monitoring,
        "Leave the cores (threads) of the workers out",
    ),
    opt(
        "stats-no-metrics",
        Flag,
        Monitoring,
        "Leave uWSGI's metrics out; always so here",
    ),
    opt(
        "metrics",
        One("ADDR"),
        Monitoring,
        "Answer HTTP requests to ADDR with the same figures for Prometheus",
    ),
];

/// What the server tells of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatsSettings {
    /// `stats`: where the figures are told as JSON.
    pub json: Option<Address>,
    /// `stats-http`: whether as a response of HTTP.
    pub http: bool,
    /// `stats-minified`: whether without white space.
    pub minified: bool,
    /// Whether with the cores (not `stats-no-cores`).
    pub cores: bool,
    /// `metrics`: where the figures are told to Prometheus.
    pub metrics: Option<Address>,
}

pub(in crate::options) fn resolve(gathered: &Gathered) -> Result<StatsSettings, OptionError> {
    let address = |name| {
        let given = gathered.last(name);
        given
            .map(|given| sockets::address(given, &given.value))
            .transpose()
    };
    gathered.flag("stats-no-metrics")?;
    Ok(StatsSettings {
        json: address("stats")?,
        http: gathered.flag("stats-http")?,
        minified: gathered.flag("stats-minified")?,
        cores: !gathered.flag("stats-no-cores")?,
        metrics: address("metrics")?,
    })
}
