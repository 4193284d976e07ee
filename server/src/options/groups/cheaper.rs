//! How many workers there are, by what is to be done.

use std::time::Duration;

use crate::options::error::OptionError;
use crate::options::given::Gathered;
use crate::options::opt::Takes::{Flag, One};
use crate::options::opt::Topic::Processes;
use crate::options::opt::{Opt, opt};

/// The options of this group.
pub(in crate::options) static OPTIONS: &[Opt] = &[
    opt(
        "cheaper",
        One("N"),
        Processes,
        "Keep N workers at least, and up to --processes when there is more to do [default: always \
         --processes]",
    ),
    opt(
        "cheaper-initial",
        One("N"),
        Processes,
        "Begin with N workers [default: that of --cheaper]",
    ),
    opt(
        "cheaper-step",
        One("N"),
        Processes,
        "Start up to N workers at a time when there is more to do [default: 1]",
    ),
    opt(
        "cheaper-overload",
        One("N"),
        Processes,
        "How many seconds all workers must be busy, or connections must wait (backlog), before \
         there are more; for busyness, the seconds that are looked at together [default: 3]",
    ),
    opt(
        "cheaper-algo",
        One("NAME"),
        Processes,
        "What decides: spare (one idle worker in reserve), backlog (connections that wait), \
         busyness (time spent with requests) or manual (only + and - of the fifo) [default: spare]",
    ),
    opt(
        "cheaper-busyness-max",
        One("PERCENT"),
        Processes,
        "Average busyness above which there are more workers [default: 50]",
    ),
    opt(
        "cheaper-busyness-min",
        One("PERCENT"),
        Processes,
        "Average busyness below which there are fewer workers in time [default: 25]",
    ),
    opt(
        "cheaper-busyness-multiplier",
        One("N"),
        Processes,
        "How many periods of --cheaper-overload must be idle before there are fewer workers \
         [default: 10]",
    ),
    opt(
        "cheaper-busyness-penalty",
        One("N"),
        Processes,
        "Periods added to that when workers were needed again too soon [default: 2]",
    ),
    opt(
        "cheaper-busyness-verbose",
        Flag,
        Processes,
        "Tell the busyness of each period",
    ),
    opt(
        "cheaper-busyness-backlog-alert",
        One("N"),
        Processes,
        "Start emergency workers at once when more connections than N wait [default: 33]",
    ),
    opt(
        "cheaper-busyness-backlog-step",
        One("N"),
        Processes,
        "How many emergency workers start at a time [default: 1]",
    ),
    opt(
        "cheaper-busyness-backlog-multiplier",
        One("N"),
        Processes,
        "The periods of --cheaper-busyness-multiplier while there are emergency workers \
         [default: 3]",
    ),
    opt(
        "cheaper-busyness-backlog-nonzero",
        One("SECONDS"),
        Processes,
        "Start emergency workers when connections wait for so long [default: 60]",
    ),
    opt(
        "cheap",
        Flag,
        Processes,
        "Start workers only when the first connection waits",
    ),
    opt(
        "idle",
        One("SECONDS"),
        Processes,
        "End all workers after so long without a request, until a connection waits",
    ),
    opt(
        "die-on-idle",
        Flag,
        Processes,
        "End the server instead after --idle",
    ),
];

/// How many workers there are, by what is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheaperSettings {
    /// `cheaper`: the fewest workers; none for always `processes`.
    pub least: Option<u32>,
    /// `cheaper-initial`: workers to begin with.
    pub initial: u32,
    /// `cheaper-step`: workers more at a time.
    pub step: u32,
    /// `cheaper-overload`: seconds, or connections that wait.
    pub overload: u32,
    /// `cheaper-algo`.
    pub algorithm: CheaperAlgorithm,
    /// `cheap`: whether there are no workers before the first connection.
    pub cheap: bool,
    /// `idle`: how long without requests before there are no workers.
    pub idle: Option<Duration>,
    /// `die-on-idle`: whether the server ends then.
    pub die_on_idle: bool,
}

/// What decides on the number of workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheaperAlgorithm {
    /// One idle worker in reserve.
    Spare,
    /// Connections that wait.
    Backlog,
    /// Time spent with requests.
    Busyness(BusynessSettings),
    /// The fifo alone.
    Manual,
}

/// `cheaper-busyness-…`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BusynessSettings {
    /// Percent above which there are more workers.
    pub max: u64,
    /// Percent below which there are fewer.
    pub min: u64,
    /// Idle periods before there are fewer.
    pub multiplier: u32,
    /// Periods more after workers were needed again too soon.
    pub penalty: u32,
    /// Whether to tell each period's figures.
    pub verbose: bool,
    /// Waiting connections above which there are emergency workers.
    pub backlog_alert: u32,
    /// Emergency workers at a time.
    pub backlog_step: u32,
    /// The multiplier while there are emergency workers.
    pub backlog_multiplier: u32,
    /// How long connections may wait, however few.
    pub backlog_nonzero: Duration,
}

/// `processes` is the most workers that there may be.
pub(in crate::options) fn resolve(
    gathered: &Gathered,
    processes: u32,
) -> Result<CheaperSettings, OptionError> {
    let least = gathered.nonzero("cheaper")?;
    if let Some(given) = gathered.last("cheaper")
        && least.is_some_and(|least| least >= processes)
    {
        return Err(given.refuse(&format!(
            "fewer workers than processes, which is {processes}"
        )));
    }
    let fewest = least.unwrap_or(processes);
    let initial = gathered.nonzero("cheaper-initial")?.unwrap_or(fewest);
    let used = initial.clamp(fewest, processes);
    if used != initial && least.is_some() {
        gathered.note(format!(
            "invalid cheaper-initial value ({initial}), must be between cheaper ({fewest}) and \
             processes ({processes}): {used} is used instead"
        ));
    }
    Ok(CheaperSettings {
        least,
        initial: used,
        step: gathered.number("cheaper-step", 1, 1, 1024)?,
        overload: gathered.number("cheaper-overload", 3, 1, 86400)?,
        algorithm: algorithm(gathered)?,
        cheap: gathered.flag("cheap")?,
        idle: gathered.seconds_if("idle")?,
        die_on_idle: gathered.flag("die-on-idle")?,
    })
}

fn algorithm(gathered: &Gathered) -> Result<CheaperAlgorithm, OptionError> {
    let number = |name, default| gathered.number(name, default, 1, u32::MAX);
    let busyness = BusynessSettings {
        max: number("cheaper-busyness-max", 50)?.into(),
        min: number("cheaper-busyness-min", 25)?.into(),
        multiplier: number("cheaper-busyness-multiplier", 10)?,
        penalty: number("cheaper-busyness-penalty", 2)?,
        verbose: gathered.flag("cheaper-busyness-verbose")?,
        backlog_alert: number("cheaper-busyness-backlog-alert", 33)?,
        backlog_step: number("cheaper-busyness-backlog-step", 1)?,
        backlog_multiplier: number("cheaper-busyness-backlog-multiplier", 3)?,
        backlog_nonzero: gathered.seconds_or("cheaper-busyness-backlog-nonzero", 60)?,
    };
    let name = gathered.text("cheaper-algo");
    Ok(match name.as_deref() {
        None | Some("spare") => CheaperAlgorithm::Spare,
        Some("backlog") => CheaperAlgorithm::Backlog,
        Some("busyness") => CheaperAlgorithm::Busyness(busyness),
        Some("manual") => CheaperAlgorithm::Manual,
        Some(other) => {
            gathered.note(format!(
                "unable to find requested cheaper algorithm `{other}`, falling back to spare"
            ));
            CheaperAlgorithm::Spare
        }
    })
}
