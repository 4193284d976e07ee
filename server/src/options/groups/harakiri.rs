//! The time that a request may take.

use std::time::Duration;

use nix::sys::signal::Signal;

use crate::options::error::OptionError;
use crate::options::given::{Gathered, Given};
use crate::options::opt::Takes::{Flag, One};
use crate::options::opt::Topic::Processes;
use crate::options::opt::{Opt, opt};

/// The options of this group.
pub(in crate::options) static OPTIONS: &[Opt] = &[
    opt(
        "harakiri",
        One("SECONDS"),
        Processes,
        "Give up a request that takes longer: it is answered with 504, and the worker that runs it \
         is killed and replaced if it cannot be stopped otherwise [default: never]",
    )
    .short('t'),
    opt(
        "harakiri-verbose",
        Flag,
        Processes,
        "Tell before such a kill what the worker was doing: system call, wait channel, Python stack",
    ),
    opt(
        "harakiri-graceful-timeout",
        One("SECONDS"),
        Processes,
        "Send the worker a signal first, and kill it only if the request goes on for so long after \
         that [default: kill at once]",
    ),
    opt(
        "harakiri-graceful-signal",
        One("NUMBER"),
        Processes,
        "The signal of --harakiri-graceful-timeout [default: 15]",
    ),
    opt(
        "harakiri-queue-threshold",
        One("N"),
        Processes,
        "Kill only while at least so many connections wait on the listening sockets [default: 0]",
    ),
    opt(
        "harakiri-no-arh",
        Flag,
        Processes,
        "No time limit in hooks after a request; there are none here",
    )
    .aliases(&["no-harakiri-arh", "no-harakiri-after-req-hook"]),
];

/// The time that a request may take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HarakiriSettings {
    /// `harakiri`: the most time from the end of a request's head to the end of its reply.
    pub limit: Option<Duration>,
    /// `harakiri-verbose`: tell what the worker was doing.
    pub verbose: bool,
    /// `harakiri-graceful-timeout` and `-signal`: what comes before the kill.
    pub graceful: Option<Graceful>,
    /// `harakiri-queue-threshold`: waiting connections below which nobody is killed; 0 for any.
    pub queue_threshold: u32,
}

/// A try to end a request before its worker is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Graceful {
    /// How long the request gets after the signal.
    pub timeout: Duration,
    /// What the worker is sent.
    pub signal: Signal,
}

pub(in crate::options) fn resolve(gathered: &Gathered) -> Result<HarakiriSettings, OptionError> {
    gathered.flag("harakiri-no-arh")?;
    let timeout = gathered.seconds_if("harakiri-graceful-timeout")?;
    let signal = gathered.last("harakiri-graceful-signal").map(signal);
    let signal = signal.transpose()?.unwrap_or(Signal::SIGTERM);
    Ok(HarakiriSettings {
        limit: gathered.seconds_if("harakiri")?,
        verbose: gathered.flag("harakiri-verbose")?,
        graceful: timeout.map(|timeout| Graceful { timeout, signal }),
        queue_threshold: gathered.number("harakiri-queue-threshold", 0, 0, u32::MAX)?,
    })
}

fn signal(given: &Given) -> Result<Signal, OptionError> {
    given.read("the number of a signal", |text| {
        Signal::try_from(text.trim().parse::<i32>().ok()?).ok()
    })
}
