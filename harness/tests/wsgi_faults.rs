//! Trust in the WSGI scenarios: each one holds on a WSGI server that is right, and turns red when
//! the server does wrong what the scenario is there to find.
//!
//! The server is `doubles/wsgi/server.py`: without Python there is nothing to try.

use std::{io, process::ExitCode, sync::OnceLock, time::Duration};

use gatebench::{
    model::Model,
    outcome::Outcome,
    run::case::{Played, play},
    scenario::{Action, Kind, Place, Scenario},
};

#[path = "doubles/wsgi/mod.rs"]
mod double;
mod table;

use double::Double;

fn main() -> ExitCode {
    if let Err(error) = double::python() {
        eprintln!("nothing is tried, since python3 does not run: {error}");
        return ExitCode::SUCCESS;
    }
    table::main::<Double>()
}

impl table::Double for Double {
    const NAME: &'static str = "wsgi";
    const KIND: Kind = Kind::EndToEnd;
    /// It speaks HTTP, but its application sees what it would see by any protocol.
    const MODELS: &'static [Model] = &[Model::Http, Model::FastCgi];
    const EACH: usize = 1;
    const ENDS: &'static [(&'static str, Outcome)] = &[];

    fn takes(scenario: &Scenario) -> bool {
        scenario.needs_wsgi()
    }

    fn faults() -> Vec<&'static str> {
        static FAULTS: OnceLock<Vec<String>> = OnceLock::new();
        let faults = FAULTS.get_or_init(|| double::faults().into_iter().collect());
        faults.iter().map(String::as_str).collect()
    }

    fn concerns(_: &str, _: Model) -> bool {
        true
    }

    fn weight(scenario: &Scenario) -> (u64, Duration) {
        let actions = scenario.script(&Place::new("", "localhost:80")).actions;
        let weigh = |(octets, waits), action: &Action| match action {
            Action::Send(sent) => (octets + sent.len() as u64, waits),
            Action::SendPattern { size, .. } => (octets + size, waits),
            Action::Pause(pause) => (octets, waits + *pause),
            _ => (octets, waits),
        };
        let delay = scenario.probe.delay.map_or(Duration::ZERO, |delay| delay.0);
        actions.iter().fold((0, delay), weigh)
    }

    async fn start(model: Model) -> io::Result<Self> {
        Self::start(model)
    }

    fn switch_on(&mut self, id: &str) {
        Self::switch_on(self, id).expect("the double takes orders");
    }

    async fn play(&mut self, scenario: &Scenario) -> Played {
        let played = play(self, scenario).await;
        if played.broke() {
            self.end();
        }
        played
    }
}
