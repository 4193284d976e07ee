//! Trust in the scenarios of an application server: each one holds on a double that is right, and
//! turns red when the double does wrong what the scenario is there to find.

use std::{io, process::ExitCode, time::Duration};

use gatebench::{
    address::Address,
    model::Model,
    outcome::Outcome,
    run::{
        case::Played,
        drive::{BackendTarget, play},
    },
    scenario::{
        Kind, Place, Scenario,
        steps::{Act, Base, Emit, Expectation, Step},
    },
    seats::driver::{Seat, Way},
    transcript::Log,
    witness::ProcessView,
};

#[path = "doubles/program.rs"]
mod program;
#[path = "doubles/server/mod.rs"]
mod server;
mod table;

use server::{
    Server,
    flaw::{self, Flaw},
};

fn main() -> ExitCode {
    table::main::<Double>()
}

/// The double and the driver's seat before it.
struct Double {
    server: Server,
    seat: Seat,
    log: Log,
}

impl BackendTarget for Double {
    fn seat(&self) -> &Seat {
        &self.seat
    }

    fn log(&self) -> &Log {
        &self.log
    }

    fn has_probe(&self) -> bool {
        true
    }

    fn forget(&mut self) {
        self.log.take();
    }

    fn health(&mut self) -> ProcessView {
        self.server.process()
    }
}

impl table::Double for Double {
    const NAME: &'static str = "server";
    const KIND: Kind = Kind::Backend;
    const MODELS: &'static [Model] = &[Model::FastCgi, Model::Uwsgi, Model::Scgi, Model::Http];
    const ENDS: &'static [(&'static str, Outcome)] = &[
        ("backend/dies-of-other-version", Outcome::Crash),
        ("backend/stuck-on-empty-name", Outcome::Hang),
    ];

    fn faults() -> Vec<&'static str> {
        flaw::all().map(|(_, id, _)| *id).collect()
    }

    fn concerns(fault: &str, model: Model) -> bool {
        let (_, _, models) = flaw(fault);
        models.contains(&model)
    }

    fn weight(scenario: &Scenario) -> (u64, Duration) {
        let choices = scenario.one_of.iter().flat_map(|choice| &choice.steps);
        let steps = scenario.steps.iter().chain(choices);
        let steps = steps.map(|step| (octets(step), waits(step)));
        steps.fold((0, Duration::ZERO), |(octets, waits), step| {
            (octets + step.0, waits + step.1)
        })
    }

    async fn start(model: Model) -> io::Result<Self> {
        let server = Server::start(model).await?;
        let address = Address::Tcp(server.listen().to_string());
        Ok(Self {
            seat: Seat::new(Way::Socket(address), model),
            log: Log::default(),
            server,
        })
    }

    fn switch_on(&mut self, fault: &str) {
        let (flaw, ..) = flaw(fault);
        self.server.switch_on(*flaw);
    }

    async fn play(&mut self, scenario: &Scenario) -> Played {
        play(self, scenario).await
    }
}

fn flaw(id: &str) -> &'static (Flaw, &'static str, &'static [Model]) {
    let found = flaw::all().find(|(_, known, _)| *known == id);
    found.expect("the double has this fault")
}

/// What a step sends, over the model that sends most of it.
fn octets(step: &Step) -> u64 {
    let Act::Send { sends, .. } = &step.act else {
        return 0;
    };
    let place = Place::new("", "localhost:80");
    let base = Base {
        model: Model::FastCgi,
        place: &place,
        params: &[],
    };
    let sent = sends.0.iter().map(|item| match item.emit(&base) {
        Emit::Octets(octets) => octets.len() as u64,
        Emit::Run { input, .. } => input.len() as u64,
    });
    sent.sum()
}

/// What a step waits for by itself.
fn waits(step: &Step) -> Duration {
    match &step.act {
        Act::Pause(pause) => *pause,
        Act::Expect { expectation, .. } if holds(expectation) => expectation.hold(),
        _ => Duration::ZERO,
    }
}

fn holds(expectation: &Expectation) -> bool {
    expectation.silence.is_some()
}
