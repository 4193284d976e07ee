//! Trust in the scenarios of a whole pairing: each one holds on a double that is right, and turns
//! red when the double does wrong what the scenario is there to find.

use std::{io, process::ExitCode, time::Duration};

use gatebench::{
    model::Model,
    outcome::Outcome,
    run::case::{Played, play},
    scenario::{Action, Kind, Place, Scenario},
};

mod doubles;
mod table;

use doubles::{Double, faults};

fn main() -> ExitCode {
    table::main::<Double>()
}

impl table::Double for Double {
    const NAME: &'static str = "pair";
    const KIND: Kind = Kind::EndToEnd;
    /// All in which the gateway makes meta-variables.
    const MODELS: &'static [Model] = &[Model::Cgi, Model::FastCgi, Model::Uwsgi, Model::Scgi];
    const ENDS: &'static [(&'static str, Outcome)] = &[
        ("gateway/dies-with-its-script", Outcome::Crash),
        ("gateway/stuck-after-its-script", Outcome::Hang),
    ];

    fn faults() -> Vec<&'static str> {
        faults::all().map(|fault| fault.id).collect()
    }

    /// The model is a label here, so that each fault concerns them all.
    fn concerns(_: &str, _: Model) -> bool {
        true
    }

    fn weight(scenario: &Scenario) -> (u64, Duration) {
        (octets(scenario), waits(scenario))
    }

    async fn start(model: Model) -> io::Result<Self> {
        Self::start(model).await
    }

    fn switch_on(&mut self, id: &str) {
        let fault = faults::all().find(|fault| fault.id == id);
        Self::switch_on(self, fault.expect("the double has this fault"));
    }

    async fn play(&mut self, scenario: &Scenario) -> Played {
        play(self, scenario).await
    }
}

/// What goes over the wire, both ways, where the scenario says so.
fn octets(scenario: &Scenario) -> u64 {
    let sent = scenario.script(&Place::new("", "localhost:80")).actions;
    let sent = sent.iter().map(|action| match action {
        Action::Send(octets) => octets.len() as u64,
        Action::SendPattern { size, .. } => *size,
        _ => 0,
    });
    sent.sum::<u64>() + scenario.probe.size.unwrap_or(0)
}

/// What the scenario waits for by its own script.
fn waits(scenario: &Scenario) -> Duration {
    let actions = scenario.script(&Place::new("", "localhost:80")).actions;
    let pauses = actions.iter().filter_map(|action| match action {
        Action::Pause(pause) => Some(*pause),
        _ => None,
    });
    let probe = &scenario.probe;
    let pieces = u32::try_from(probe.chunks.unwrap_or(1)).unwrap_or(u32::MAX);
    let delay = probe.delay.map_or(Duration::ZERO, |delay| delay.0);
    let between = probe.pause.map_or(Duration::ZERO, |pause| pause.0 * pieces);
    pauses.sum::<Duration>() + delay + between
}
