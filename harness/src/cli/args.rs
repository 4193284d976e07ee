//! The arguments of each command, as clap reads them.

use std::{num::NonZero, path::PathBuf, thread};

use clap::{Args, ValueEnum};

use super::{measure::MeasureArgs, profile::Known, running::RunningArgs};

use crate::{
    bench::Editions,
    launch::choose::Preference,
    model::Model,
    outcome::Level,
    run::{Selection, plan::Shard},
    subject::SubjectId,
};

/// Which pairings and scenarios.
#[derive(Args, Debug)]
#[command(next_help_heading = "Selection")]
pub(super) struct SelectArgs {
    /// Gateways: nginx, apache, lighttpd, haproxy, caddy, builtin, or all; with a variant: nginx:stock [default: nginx, else builtin]
    #[arg(long, value_name = "ID,…", value_delimiter = ',')]
    gateway: Vec<SubjectId>,
    /// Models: cgi, cgi-warm, fastcgi, uwsgi, scgi, http, or all [default: cgi,fastcgi,uwsgi]
    #[arg(long, value_name = "MODEL,…", value_delimiter = ',', value_parser = models)]
    model: Vec<Models>,
    /// Backends: gateserve, or all [default: gateserve]
    #[arg(long, value_name = "ID,…", value_delimiter = ',')]
    backend: Vec<SubjectId>,
    /// Scenarios whose id begins so; may be given several times
    #[arg(long, value_name = "PREFIX", value_delimiter = ',')]
    pub(super) scenario: Vec<String>,
    /// Only scenarios of this level and above; `recommended` also makes those count
    #[arg(long, value_enum)]
    pub(super) level: Option<LevelArg>,
    /// Part I of N, for spreading a run over machines
    #[arg(long, value_name = "I/N", value_parser = shard)]
    shard: Option<Shard>,
    /// Read scenarios from this folder instead of the ones built in
    #[arg(long, value_name = "DIR")]
    pub(super) scenarios: Option<PathBuf>,
    /// Keep the cases that an interrupted run had finished; measurements are made anew
    #[arg(long)]
    pub(super) resume: bool,
    /// Pairings that are checked at a time; throughput is measured one by one [default: six times the CPUs, at most 24]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    jobs: Option<u16>,
}

/// How subjects are started.
#[derive(Args, Debug)]
#[command(next_help_heading = "How gateways are started")]
pub(super) struct LaunchArgs {
    /// As containers, as processes, or what is there
    #[arg(long, value_enum, default_value_t = ViaArg::Auto)]
    via: ViaArg,
    /// Container image of a subject, for example nginx=nginx:1.29; two of one subject run beside each other
    #[arg(long, value_name = "ID=IMAGE", value_parser = pair)]
    image: Vec<(String, String)>,
    /// Program of a subject, for example nginx=/opt/nginx/sbin/nginx; likewise
    #[arg(long, value_name = "ID=PATH", value_parser = pair)]
    binary: Vec<(String, String)>,
}

/// Where results go.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Outputs")]
pub(super) struct OutputArgs {
    /// Results as JSON
    #[arg(long, value_name = "FILE")]
    pub(super) json: Option<PathBuf>,
    /// JUnit XML for CI
    #[arg(long, value_name = "FILE")]
    pub(super) junit: Option<PathBuf>,
    /// One self-contained page with matrix, transcripts and plots
    #[arg(long, value_name = "FILE")]
    pub(super) html: Option<PathBuf>,
    /// Summary that fits a pull request
    #[arg(long, value_name = "FILE")]
    pub(super) markdown: Option<PathBuf>,
    /// The throughput figures as comma-separated values
    #[arg(long, value_name = "FILE")]
    pub(super) csv: Option<PathBuf>,
    /// Tell what got better or worse against stored results
    #[arg(long, value_name = "OLD.json")]
    pub(super) compare: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(super) struct RunArgs {
    #[command(flatten)]
    pub(super) select: SelectArgs,
    #[command(flatten)]
    pub(super) launch: LaunchArgs,
    #[command(flatten)]
    pub(super) outputs: OutputArgs,
    #[command(flatten)]
    pub(super) measure: MeasureArgs,
}

#[derive(Args, Debug)]
pub(super) struct CheckArgs {
    #[command(flatten)]
    pub(super) running: RunningArgs,
    #[command(flatten)]
    pub(super) select: SelectArgs,
    #[command(flatten)]
    pub(super) launch: LaunchArgs,
    #[command(flatten)]
    pub(super) outputs: OutputArgs,
}

/// Options that say nothing of a profile, whose lanes and loads are given.
const OF_SELECTION: [&str; 20] = [
    "url",
    "gateway",
    "model",
    "backend",
    "scenario",
    "level",
    "shard",
    "scenarios",
    "resume",
    "jobs",
    "connections",
    "requests",
    "until_steady",
    "warm_up",
    "rate",
    "spacing",
    "close",
    "threads",
    "workload",
    "sweep",
];

/// Options that say nothing of a URL.
const OF_PAIRINGS: [&str; 12] = [
    "gateway",
    "model",
    "backend",
    "scenario",
    "level",
    "shard",
    "scenarios",
    "resume",
    "jobs",
    "via",
    "image",
    "binary",
];

#[derive(Args, Debug)]
pub(super) struct BenchArgs {
    /// Load this URL instead of starting pairings
    #[arg(long, value_name = "URL", conflicts_with_all = OF_PAIRINGS)]
    pub(super) url: Option<String>,
    /// Measure a prepared table of comparisons, each beside its target
    #[arg(long, value_name = "NAME", value_enum, conflicts_with_all = OF_SELECTION)]
    pub(super) profile: Option<Known>,
    /// Of a profile only these heats: wsgi, http, native, pinned, threads, upload, file, gateway, start, memory
    #[arg(long, value_name = "ID,…", value_delimiter = ',', requires = "profile")]
    pub(super) heat: Vec<String>,
    #[command(flatten)]
    pub(super) select: SelectArgs,
    #[command(flatten)]
    pub(super) launch: LaunchArgs,
    #[command(flatten)]
    pub(super) outputs: OutputArgs,
    #[command(flatten)]
    pub(super) measure: MeasureArgs,
}

#[derive(Args, Debug)]
pub(super) struct ReplayArgs {
    /// Scenario id, as `gatebench list scenarios` and every report show it
    #[arg(value_name = "SCENARIO")]
    pub(super) scenario: String,
    /// Gateways: nginx, apache, lighttpd, haproxy, caddy, builtin, or all; with a variant: nginx:stock [default: nginx, else builtin]
    #[arg(long, value_name = "ID,…", value_delimiter = ',')]
    gateway: Vec<SubjectId>,
    /// Models [default: those that the scenario is for]
    #[arg(long, value_name = "MODEL,…", value_delimiter = ',', value_parser = models)]
    model: Vec<Models>,
    /// Backends [default: gateserve]
    #[arg(long, value_name = "ID,…", value_delimiter = ',')]
    backend: Vec<SubjectId>,
    /// Read scenarios from this folder instead of the ones built in
    #[arg(long, value_name = "DIR")]
    pub(super) scenarios: Option<PathBuf>,
    /// Write the report to this file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    #[command(flatten)]
    pub(super) running: RunningArgs,
    #[command(flatten)]
    pub(super) launch: LaunchArgs,
}

#[derive(Args, Debug)]
pub(super) struct ReportArgs {
    /// Stored results; several are merged, or compared with --compare
    #[arg(required = true, value_name = "RESULTS")]
    pub(super) results: Vec<PathBuf>,
    /// Tell how multiples moved over many runs, given as files or folders of them, on the page of
    /// --html
    #[arg(long, requires = "html", conflicts_with_all = ["public", "only_one", "known_draft", "compare", "json", "junit", "markdown", "csv"])]
    pub(super) history: bool,
    /// Leave out the detail of findings that touch security and are not public yet
    #[arg(long)]
    pub(super) public: bool,
    /// Tell only what exactly one subject breaks, though others who were asked keep it
    #[arg(long)]
    pub(super) only_one: bool,
    /// Draft entries for scenarios/known/ from violations that it does not hold
    #[arg(long, value_name = "FILE")]
    pub(super) known_draft: Option<PathBuf>,
    /// Mark anew what is known: by the list of this program, or by that of a folder of scenarios
    #[arg(long, value_name = "DIR", num_args = 0..=1, require_equals = true)]
    pub(super) known: Option<Option<PathBuf>>,
    #[command(flatten)]
    pub(super) outputs: OutputArgs,
}

#[derive(Args, Debug)]
pub(super) struct ListArgs {
    /// What to list
    #[arg(value_enum)]
    pub(super) what: What,
    /// How
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(super) format: Format,
    /// Read scenarios from this folder instead of the ones built in
    #[arg(long, value_name = "DIR")]
    pub(super) scenarios: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(super) struct ImagesArgs {
    /// Which; all without a name
    pub(super) names: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum What {
    Scenarios,
    Requirements,
    FieldCases,
    Gateways,
    Backends,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Text,
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum LevelArg {
    Required,
    Recommended,
    Observed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ViaArg {
    Auto,
    Container,
    Process,
}

/// One model, or all of them.
#[derive(Clone, Debug)]
enum Models {
    One(Model),
    All,
}

impl From<LevelArg> for Level {
    fn from(level: LevelArg) -> Self {
        match level {
            LevelArg::Required => Self::Required,
            LevelArg::Recommended => Self::Recommended,
            LevelArg::Observed => Self::Observed,
        }
    }
}

impl SelectArgs {
    pub(super) fn selection(&self) -> Selection {
        Selection {
            gateways: self.gateway.clone(),
            models: each(&self.model),
            backends: self.backend.clone(),
            scenarios: self.scenario.clone(),
            level: self.level.map(Level::from),
            shard: self.shard,
            running: None,
        }
    }

    /// How many pairings are checked at a time: cases mostly wait, so it is far more than there are
    /// processors; what a busy machine may have made of one is played again alone.
    pub(super) fn jobs(&self) -> usize {
        let cpus = thread::available_parallelism().map_or(1, NonZero::get);
        self.jobs.map_or_else(|| (6 * cpus).min(24), usize::from)
    }

    /// The lowest level whose violations turn the exit code to 1.
    pub(super) fn counts(&self) -> Level {
        match self.level {
            Some(LevelArg::Recommended) => Level::Recommended,
            _ => Level::Required,
        }
    }
}

impl ReplayArgs {
    pub(super) fn selection(&self) -> Selection {
        let models = match self.model.is_empty() {
            true => Model::ALL.to_vec(),
            false => each(&self.model),
        };
        Selection {
            gateways: self.gateway.clone(),
            models,
            backends: self.backend.clone(),
            ..Selection::default()
        }
    }

    /// The models of `--model`, none where it was not given.
    pub(super) fn models(&self) -> Vec<Model> {
        each(&self.model)
    }
}

/// Every model that was asked for.
fn each(asked: &[Models]) -> Vec<Model> {
    let models = asked.iter().flat_map(|models| match models {
        Models::One(model) => vec![*model],
        Models::All => Model::ALL.to_vec(),
    });
    models.collect()
}

impl LaunchArgs {
    pub(super) fn wishes(&self) -> Editions {
        let via = match self.via {
            ViaArg::Auto => Preference::Auto,
            ViaArg::Container => Preference::Container,
            ViaArg::Process => Preference::Process,
        };
        let binaries = self.binary.iter();
        Editions {
            via,
            images: self.image.clone(),
            binaries: binaries
                .map(|(id, path)| (id.clone(), path.into()))
                .collect(),
        }
    }
}

fn models(word: &str) -> Result<Models, String> {
    match word {
        "all" => Ok(Models::All),
        _ => word
            .parse()
            .map(Models::One)
            .map_err(|error: crate::model::UnknownModel| error.to_string()),
    }
}

fn shard(text: &str) -> Result<Shard, String> {
    let numbers = text
        .split_once('/')
        .map(|(part, of)| (part.parse(), of.parse()));
    match numbers {
        Some((Ok(part), Ok(of))) if (1..=of).contains(&part) => Ok(Shard { part, of }),
        _ => Err("a shard reads I/N with 1 ≤ I ≤ N, for example 1/4".to_owned()),
    }
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((id, value)) if !id.is_empty() && !value.is_empty() => {
            Ok((id.to_owned(), value.to_owned()))
        }
        _ => Err("it reads NAME=VALUE, for example nginx=nginx:1.29".to_owned()),
    }
}
