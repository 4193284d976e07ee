//! The command line: what can be asked, and how the answer becomes an exit code.

mod args;
mod decode;
mod demo;
mod doctor;
mod env_diff;
mod explain;
mod help;
mod images;
mod list;
mod machine;
mod measure;
mod outputs;
mod partial;
mod plan;
mod probe;
mod profile;
mod replay;
mod report;
mod run;
mod running;
mod tap;
mod told;
mod url;
mod versions;

use std::{io::Write, path::Path};

use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;

use crate::{
    model::{Model, UnknownModel},
    report::findings,
    scenario::{Catalogue, ScenarioError, load_dir, load_embedded},
};
use args::{BenchArgs, CheckArgs, ListArgs, ReplayArgs, ReportArgs, RunArgs};
pub use told::{is_broken_pipe, sentence};

/// What a command ended with, apart from trouble of the bench itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing to complain about: exit code 0.
    Passed,
    /// A subject broke a rule that counts: exit code 1.
    Failed,
    /// The bench could not judge everything: exit code 2.
    Incomplete,
}

impl Verdict {
    /// The worse of two.
    fn worse(self, other: Self) -> Self {
        let badness = |verdict| match verdict {
            Self::Passed => 0,
            Self::Failed => 1,
            Self::Incomplete => 2,
        };
        if badness(other) > badness(self) {
            other
        } else {
            self
        }
    }
}

/// The compatibility and throughput bench for the CGI family.
#[derive(Debug, Parser)]
#[command(name = "gatebench", version, arg_required_else_help = true, after_help = help::ALL)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The main job: correctness, then a short throughput comparison of the models
    #[command(after_help = help::RUN)]
    Run(RunArgs),
    /// Correctness only
    #[command(after_help = help::CHECK)]
    Check(CheckArgs),
    /// Throughput only: of pairings, or of anything that runs with --url
    #[command(after_help = help::BENCH)]
    Bench(BenchArgs),
    /// One case with its configuration and bytes, fit for a report to the maintainers
    #[command(after_help = help::REPLAY)]
    Replay(ReplayArgs),
    /// Render, merge and compare stored results
    #[command(after_help = help::REPORT)]
    Report(ReportArgs),
    /// What the bench knows: scenarios, requirements, gateways, backends
    #[command(after_help = help::LIST)]
    List(ListArgs),
    /// The teaching demo: see what CGI, FastCGI and uwsgi do, in the browser
    #[command(after_help = help::DEMO)]
    Demo(demo::DemoArgs),
    /// Processes, cores and memory that a rate needs, from measured costs
    #[command(after_help = plan::HELP)]
    Plan(plan::PlanArgs),
    /// Write out the probe, the application that a server under --backend-at has to run
    #[command(after_help = help::PROBE)]
    Probe(probe::ProbeArgs),
    /// Raw bytes of a wire, field by field
    #[command(after_help = decode::HELP)]
    Decode(decode::DecodeArgs),
    /// A relay that shows what gateway and application server say, and what is wrong with it
    #[command(after_help = tap::HELP)]
    Tap(tap::TapArgs),
    /// Ask a socket, a URL or every upstream of an nginx.conf: what speaks there, what is wrong, which line to change
    #[command(after_help = doctor::HELP)]
    Doctor(doctor::DoctorArgs),
    /// A line of a log: its cause, what to change, the rules and scenarios it is about
    #[command(after_help = explain::HELP)]
    Explain(explain::ExplainArgs),
    /// The environments that two gateways or models make of one request, side by side
    #[command(after_help = env_diff::HELP)]
    EnvDiff(env_diff::EnvDiffArgs),
    /// Prepare the container images, so that a run need not wait for them
    #[command(after_help = help::IMAGES)]
    Images(args::ImagesArgs),
    /// Print shell completions
    #[command(hide = true)]
    Completions {
        /// Shell to complete for
        shell: Shell,
    },
    /// Print the manual page
    #[command(hide = true)]
    Man,
}

impl From<findings::Verdict> for Verdict {
    fn from(verdict: findings::Verdict) -> Self {
        match verdict.exit_code() {
            0 => Self::Passed,
            1 => Self::Failed,
            _ => Self::Incomplete,
        }
    }
}

/// A protocol that can be spoken on a socket.
fn spoken(word: &str) -> Result<Model, String> {
    let model: Model = word
        .parse()
        .map_err(|error: UnknownModel| error.to_string())?;
    match model.is_cgi() {
        true => Err("cgi has no wire of its own; take that of its carrier, fastcgi".to_owned()),
        false => Ok(model),
    }
}

/// The scenarios of a folder, or the ones built in.
fn open(folder: Option<&Path>) -> Result<Catalogue, ScenarioError> {
    folder.map_or_else(load_embedded, load_dir)
}

impl Cli {
    /// Carries out the command.
    ///
    /// # Errors
    /// Whatever kept the bench from doing its work: exit code 2.
    pub fn carry_out(self) -> anyhow::Result<Verdict> {
        match self.command {
            Command::Run(args) => run::run(&args),
            Command::Check(args) => run::check(&args),
            Command::Bench(args) => match (&args.url, args.profile) {
                (Some(url), _) => url::bench(&args, url),
                (None, Some(profile::Known::Peers)) => profile::bench(&args),
                (None, None) => run::bench(&args),
            },
            Command::Replay(args) => replay::replay(&args),
            Command::Demo(args) => demo::demo(&args),
            Command::Plan(args) => plan::plan(&args),
            Command::Probe(args) => probe::probe(&args),
            Command::Report(args) => report::report(&args),
            Command::List(args) => list::list(&args),
            Command::Decode(args) => decode::decode(&args),
            Command::Tap(args) => tap::tap(&args),
            Command::Doctor(args) => doctor::doctor(&args),
            Command::EnvDiff(args) => env_diff::env_diff(&args),
            Command::Explain(args) => explain::explain(&args),
            Command::Images(args) => images::images(&args),
            Command::Completions { shell } => {
                let mut script = Vec::new();
                clap_complete::generate(shell, &mut Self::command(), "gatebench", &mut script);
                std::io::stdout().write_all(&script)?;
                Ok(Verdict::Passed)
            }
            Command::Man => {
                clap_mangen::Man::new(Self::command()).render(&mut std::io::stdout())?;
                Ok(Verdict::Passed)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
