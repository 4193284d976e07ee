//! Trust in the scenarios of a gateway: each one holds on a gateway that is right, with the
//! recorder behind it, and turns red when the gateway does wrong what it is there to find.

use std::{io, net::SocketAddr, process::ExitCode, time::Duration};

use gatebench::{
    address::Address,
    model::Model,
    outcome::Outcome,
    run::case::{Played, Target, play},
    scenario::{
        Action, Kind, Place, Scenario,
        reply::{Act, Part},
    },
    seats::recorder::Recorder,
    transcript::Log,
    witness::{ProcessView, Received, recorded::Recorded},
};
use tempfile::TempDir;

mod doubles;
mod table;

use doubles::{Double, gateway::faults};

fn main() -> ExitCode {
    table::main::<Fronted>()
}

/// A gateway that forwards, and the recorder behind it.
struct Fronted {
    double: Double,
    recorder: Recorder,
    /// Where the recorder's socket is.
    _folder: TempDir,
}

impl table::Double for Fronted {
    const NAME: &'static str = "gateway";
    const KIND: Kind = Kind::Gateway;
    const MODELS: &'static [Model] = &[Model::FastCgi, Model::Uwsgi, Model::Scgi, Model::Http];
    const ENDS: &'static [(&'static str, Outcome)] = &[];

    fn faults() -> Vec<&'static str> {
        faults::all().map(|fault| fault.id).collect()
    }

    /// A fault of one protocol is named after it.
    fn concerns(fault: &str, model: Model) -> bool {
        let of = |slug: &str| fault.starts_with(slug);
        match model {
            Model::FastCgi => !["gateway/uwsgi-", "gateway/scgi-", "gateway/stream-"]
                .iter()
                .any(|slug| of(slug)),
            Model::Uwsgi => !of("gateway/fcgi-") && !of("gateway/scgi-"),
            Model::Scgi => !of("gateway/fcgi-") && !of("gateway/uwsgi-"),
            Model::Cgi | Model::CgiWarm | Model::Http => {
                !["gateway/fcgi-", "gateway/uwsgi-", "gateway/scgi-"]
                    .iter()
                    .any(|slug| of(slug))
            }
        }
    }

    fn weight(scenario: &Scenario) -> (u64, Duration) {
        let script = scenario.script(&Place::new("", "localhost:80"));
        let weigh = |(octets, waits), action: &Action| match action {
            Action::Send(sent) => (octets + sent.len() as u64, waits),
            Action::SendPattern { size, .. } => (octets + size, waits),
            Action::Pause(pause) => (octets, waits + *pause),
            _ => (octets, waits),
        };
        script.actions.iter().fold((0, pauses(scenario)), weigh)
    }

    async fn start(model: Model) -> io::Result<Self> {
        let folder = TempDir::new()?;
        let socket = folder.path().join("recorder.sock");
        let double = Double::before(model, socket.clone()).await?;
        let log = double.log().clone();
        Ok(Self {
            recorder: Recorder::open(&Address::Unix(socket), model, log)?,
            double,
            _folder: folder,
        })
    }

    fn switch_on(&mut self, id: &str) {
        let fault = faults::all().find(|fault| fault.id == id);
        self.double
            .switch_on(fault.expect("the double has this fault"));
    }

    async fn play(&mut self, scenario: &Scenario) -> Played {
        play(self, scenario).await
    }
}

/// What the recorder waits for by the scenario.
fn pauses(scenario: &Scenario) -> Duration {
    let items = scenario.reply.iter().flatten();
    let each = items.map(|item| match item.act {
        Act::Pause(time) => time,
        _ => item.every * 50,
    });
    each.sum()
}

impl Target for Fronted {
    fn listen(&self) -> SocketAddr {
        self.double.listen()
    }

    fn place(&self) -> &Place {
        self.double.place()
    }

    fn model(&self) -> Model {
        self.double.model()
    }

    fn carried(&self) -> bool {
        false
    }

    fn log(&self) -> &Log {
        self.double.log()
    }

    fn forget(&mut self) {
        self.double.forget();
    }

    fn prepare(&mut self, part: Part) {
        self.recorder.prepare(part);
    }

    fn begin_follow_up(&mut self) {
        self.recorder.follow_up();
    }

    fn recorded(&mut self) -> Option<Recorded> {
        Some(self.recorder.recorded())
    }

    fn received(&mut self) -> Option<Vec<Received>> {
        None
    }

    fn health(&mut self) -> ProcessView {
        self.double.health()
    }

    fn last_words(&mut self) -> String {
        self.double.last_words()
    }

    fn trouble(&mut self) -> Option<String> {
        self.recorder.trouble()
    }
}
