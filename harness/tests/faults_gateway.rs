//! Trust in the scenarios of a gateway: each one holds on a gateway that is right, with the
//! recorder behind it, and turns red when the gateway does wrong what it is there to find.

use std::{
    fs, io,
    net::SocketAddr,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use gatebench::{
    address::Address,
    launch::inherited,
    model::Model,
    outcome::Outcome,
    run::case::{Played, Target, play},
    scenario::{
        Action, Kind, Place, Scenario,
        reply::{Act, Part},
    },
    seats::recorder::{BESIDE, Recorder},
    transcript::Log,
    witness::{ProcessView, Received, recorded::Recorded},
};
use tempfile::TempDir;

mod doubles;
mod table;

use doubles::{Double, gateway::faults};

fn main() -> ExitCode {
    inherited::keep_from_subjects();
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
    const MODELS: &'static [Model] = &[
        Model::FastCgi,
        Model::Uwsgi,
        Model::Scgi,
        Model::Http,
        Model::Cgi,
    ];
    const ENDS: &'static [(&'static str, Outcome)] = &[];

    fn faults() -> Vec<&'static str> {
        faults::all().map(|fault| fault.id).collect()
    }

    /// A fault of one protocol is named after it.
    fn concerns(fault: &str, model: Model) -> bool {
        let own = match model {
            Model::FastCgi => "gateway/fcgi-",
            Model::Uwsgi => "gateway/uwsgi-",
            Model::Scgi => "gateway/scgi-",
            Model::Http => "gateway/http-",
            Model::Cgi | Model::CgiWarm => "gateway/cgi-",
        };
        let slugs = ["fcgi", "uwsgi", "scgi", "http", "cgi"].map(|slug| format!("gateway/{slug}-"));
        let of_one = slugs.iter().find(|slug| fault.starts_with(slug.as_str()));
        let of_streams = fault.starts_with("gateway/stream-") && model == Model::FastCgi;
        of_one.is_none_or(|slug| slug == own) && !of_streams
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
        let upstream = match model {
            Model::Cgi => program(folder.path(), &socket)?,
            _ => socket.clone(),
        };
        let double = Double::before(model, upstream).await?;
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

/// The recorder's program in a folder of its own, with the name of the socket beside it.
fn program(folder: &Path, socket: &Path) -> io::Result<PathBuf> {
    let folder = folder.join("cgi-bin");
    fs::create_dir(&folder)?;
    let program = folder.join("probe");
    let built = Path::new(env!("CARGO_BIN_EXE_gatebench-recorder-program"));
    // A copy that is still open for writing somewhere may not be executed; a link is.
    if fs::hard_link(built, &program).is_err() {
        fs::copy(built, &program)?;
    }
    fs::write(
        folder.join(format!("probe.{BESIDE}")),
        socket.as_os_str().as_bytes(),
    )?;
    Ok(program)
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
