//! Scenarios: data that says what is asked, what must come back, and which rule says so.
//!
//! ```text
//! scenarios/**/*.toml ──load──▶ Scenario ──script──▶ what the client does
//!                                  │
//!                       Evidence ──┴──judge──▶ Judgement      faces ──compare──▶ differences
//! ```
//!
//! Everything here is pure: no socket, process or clock. The vocabulary is described in
//! `scenarios/README.md`; it is closed, so an unknown key is an error with its line.

use std::{iter, time::Duration};

use crate::{
    model::Model,
    outcome::{AtFault, Level},
    witness::{Evidence, Notes, ProbeReport},
};

pub mod app;
mod catalogue;
mod check;
mod compare;
mod content;
mod error;
pub mod expect;
pub mod fault;
pub mod field;
mod format;
mod judge;
mod known;
mod known_file;
mod loose;
pub mod observe;
pub mod probe;
pub mod reply;
pub mod request;
mod script_uri;
mod source;
pub mod steps;
#[cfg(test)]
pub(crate) mod testing;
pub mod text;
mod verdict;
mod versions;

pub use app::{App, AppFile};
pub use catalogue::{Catalogue, NoSuchScenario, embedded_apps, load_dir, load_embedded};
pub use compare::{Face, compare};
pub use content::{counter, digest};
pub use error::{Flaw, ScenarioError};
pub use fault::Fault;
pub use format::{Differential, Repeat};
pub use judge::{JudgeContext, Judgement};
pub use known::{Known, KnownList, Stale};
pub use request::{Action, Script};
pub(crate) use verdict::none_of;

use expect::{
    Choice, Expect, ProcessExpect, Scene, application::ApplicationExpect, client::ClientExpect,
    received::ReceivedExpect,
};
use observe::Observed;
use probe::Probe;
use reply::{Item, Part};
use request::Request;
use steps::{Act, Step};

/// How the name of a script begins whose output is not parsed (RFC 3875 section 5).
pub const NPH: &str = "nph-";

/// Below this folder a gateway of the bench asks for a user.
pub const AUTH_FOLDER: &str = "/auth";

/// Where gateways that know CGI mount the folder of programs.
const CGI_FOLDER: &str = "/cgi-bin/";

/// Time for the end of what a gateway sends, once its client has the reply.
const SETTLE: Duration = Duration::from_secs(1);

/// One case.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Path and name, for example `cgi/path-info/decoded-once`.
    pub id: String,
    /// Specification and section.
    pub spec: String,
    /// Ids of the requirements that it checks.
    pub requirements: Vec<String>,
    /// How binding it is.
    pub level: Level,
    /// What must hold, in one sentence for reports.
    pub says: String,
    /// Misbehaviours of the doubles that must turn it red.
    pub faults: Vec<String>,
    /// Models that can express it; `None` for all.
    pub models: Option<Vec<Model>>,
    /// Scenarios without which this one tells nothing.
    pub needs: Vec<String>,
    /// How often it runs, and how often it must hold.
    pub repeat: Repeat,
    /// Time for the request and its response.
    pub within: Duration,
    /// What the driver does in the gateway's seat; empty where a gateway sits there.
    pub steps: Vec<Step>,
    /// What the client asks.
    pub request: Request,
    /// What the probe is told.
    pub probe: Probe,
    /// What the recorder replies in the backend's seat; `None` where a real backend sits there.
    pub reply: Option<Vec<Item>>,
    /// What must hold whatever outcome is chosen.
    pub expect: Expect,
    /// The conforming outcomes, where the specification leaves a choice.
    pub one_of: Vec<Choice>,
    /// Values that are told and not judged.
    pub observe: Vec<Observed>,
    /// How the models are compared.
    pub differential: Differential,
    /// Whom its requirements bind.
    pub binds: AtFault,
}

/// Who sits where while a scenario is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// HTTP client, gateway, backend and probe.
    EndToEnd,
    /// The harness in the gateway's seat, before a backend.
    Backend,
    /// HTTP client and gateway, the harness in the backend's seat.
    Gateway,
}

/// Where a pairing mounts the probe.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Path of the probe without a trailing slash: `/probe`, `/cgi-bin/probe`, or empty.
    pub app: String,
    /// Address of the gateway as `Host` gives it: `127.0.0.1:8080`.
    pub host: String,
    /// Under which name an [`App`] leaves its notes: another one for each run of a case.
    pub case: String,
}

impl Place {
    /// The probe at path `app` of a gateway that listens on `host`.
    pub fn new(app: impl Into<String>, host: impl Into<String>) -> Self {
        Self {
            app: app.into(),
            host: host.into(),
            case: "0".to_owned(),
        }
    }

    /// The same place in one run of a case.
    pub fn in_case(&self, case: impl Into<String>) -> Self {
        Self {
            case: case.into(),
            ..self.clone()
        }
    }

    /// Path of the probe as an NPH script: the same program under a name that begins with `nph-`.
    pub fn nph(&self) -> String {
        let (folder, name) = self.app.rsplit_once('/').unwrap_or(("", &self.app));
        format!("{folder}/{NPH}{name}")
    }

    /// Path of the probe where the gateway asks for a user: the same application once more, below a
    /// folder that is open to `bench` with password `bench` by HTTP's Basic scheme.
    pub fn auth(&self) -> String {
        format!("{AUTH_FOLDER}{}", self.app)
    }

    /// Whether other programs beside the probe can be asked for.
    pub fn has_folder(&self) -> bool {
        self.app.starts_with(CGI_FOLDER)
    }

    /// The port in `host`; 80 where it names none.
    pub fn port(&self) -> &str {
        let port = self.host.rsplit_once(':').map_or("", |(_, port)| port);
        let is_port = !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
        if is_port { port } else { "80" }
    }
}

impl Scenario {
    /// Who sits where while it is played.
    pub fn kind(&self) -> Kind {
        match (&self.reply, self.steps.is_empty()) {
            (Some(_), _) => Kind::Gateway,
            (None, false) => Kind::Backend,
            (None, true) => Kind::EndToEnd,
        }
    }

    /// What the client does.
    pub fn script(&self, place: &Place) -> Script {
        self.request.script(&self.probe, place, self.within)
    }

    /// What the client does next, on the same connection or, where that was closed, on a new
    /// one; `None` where nobody asks.
    pub fn next_script(&self, place: &Place) -> Option<Script> {
        self.next_script_after(place, None)
    }

    /// As [`next_script`](Self::next_script), once the first request is answered: `seen` is what
    /// the application saw of it.
    pub fn next_script_after(&self, place: &Place, seen: Option<&ProbeReport>) -> Option<Script> {
        let next = self.expect.next_request.as_ref()?;
        let within = next.within.map_or(self.within, |time| time.0);
        let mut request = next.request.clone();
        if let Some(seen) = seen.filter(|_| next.script_uri) {
            request.target = script_uri::target(seen);
        }
        Some(request.script(&next.probe, place, within))
    }

    /// Whether it asks for the probe as an NPH script.
    pub fn needs_nph(&self) -> bool {
        self.request.target.names_nph()
    }

    /// Whether it asks for the probe behind access control.
    pub fn needs_auth(&self) -> bool {
        self.request.target.names_auth()
    }

    /// Whether it asks for a program by its path in the folder of CGI programs.
    pub fn names_program(&self) -> bool {
        self.request.target.begins_with(CGI_FOLDER)
    }

    /// Everything that it asks of what the backend receives.
    fn receives(&self) -> impl Iterator<Item = &ReceivedExpect> {
        let chosen = self.one_of.iter().map(|choice| &choice.received);
        chosen.chain([&self.expect.received]).flatten()
    }

    /// Whether what the recorder took is what is expected of it; if not, there may be more to come.
    pub fn is_received(&self, evidence: &Evidence, place: &Place) -> bool {
        let scene = Scene {
            request: &self.request,
            place,
        };
        let received = self.expect.received.as_ref();
        let holds = received.is_none_or(|received| received.mismatch(evidence, &scene).is_none());
        let mut choices = self.one_of.iter();
        let is_asked = choices.clone().any(|choice| choice.received.is_some());
        holds && (!is_asked || choices.any(|choice| choice.mismatch(evidence, &scene).is_none()))
    }

    /// Whether its follow-up comes when the gateway has given the first request up, and not before.
    pub fn asks_again_after_abort(&self) -> bool {
        let gives_up = self
            .receives()
            .any(|received| received.aborted == Some(true));
        gives_up && self.expect.next_request.is_some()
    }

    /// Whether it asks what the gateway logged.
    pub fn reads_gateway_log(&self) -> bool {
        let chosen = self.one_of.iter().map(|choice| &choice.process);
        let mut process = chosen.chain([&self.expect.process]).flatten();
        process.any(|process| process.gateway_log.is_some())
    }

    /// What the recorder replies to the case and to its follow-up, asked at `place`.
    pub fn part(&self, place: &Place) -> Part {
        let next = self.expect.next_request.as_ref();
        Part {
            reply: self.reply.clone(),
            next: next.and_then(|next| next.reply.clone()),
            place: place.clone(),
        }
    }

    /// How long what the recorder took may still come to what is expected of it.
    pub fn settles_within(&self) -> Duration {
        let told = self.receives().filter_map(|received| received.within);
        told.map(|time| time.0).max().unwrap_or(SETTLE)
    }

    /// Whether its verdict depends on who was faster, so that a busy machine can change it.
    pub fn depends_on_time(&self) -> bool {
        let late = |client: &Option<ClientExpect>, process: &Option<ProcessExpect>| {
            let client = client.as_ref();
            let process = process.as_ref();
            client.is_some_and(|client| client.first_byte.is_some())
                || process.is_some_and(|process| process.reply_begins.is_some())
        };
        let mut choices = self.one_of.iter();
        let waits = |step: &Step| matches!(step.act, Act::Pause(_) | Act::Settle(_));
        let pauses = |item: &Item| matches!(item.act, reply::Act::Pause(_));
        self.repeat.times > 1
            || late(&self.expect.client, &self.expect.process)
            || choices.any(|choice| late(&choice.client, &choice.process))
            || self.steps.iter().any(waits)
            || self.reply.iter().flatten().any(pauses)
            || self.request.pauses()
            || self.probes().any(|probe| probe.delay.is_some())
    }

    /// Whether a model can express it: a WSGI application is reached by every protocol, and is no
    /// CGI program.
    pub fn applies(&self, model: Model) -> bool {
        match &self.models {
            Some(models) => model.is_among(models),
            None => !model.is_cgi() || !self.needs_wsgi(),
        }
    }

    /// Whether it runs WSGI applications of its own beside the probe.
    pub fn needs_wsgi(&self) -> bool {
        self.probes().any(|probe| probe.app.is_some())
    }

    /// Whether the application is to kill the process that it runs in.
    pub fn kills_its_process(&self) -> bool {
        self.probes().any(|probe| probe.die.is_some())
    }

    /// Whether it judges what an application noted.
    fn speaks_of_notes(&self) -> bool {
        let choices = self.one_of.iter().map(|choice| &choice.application);
        iter::once(&self.expect.application)
            .chain(choices)
            .any(speaks_of_notes)
    }

    /// What the probe is told for the request, and for the next one.
    pub(crate) fn probes(&self) -> impl Iterator<Item = &Probe> {
        let next = self.expect.next_request.iter().map(|next| &next.probe);
        iter::once(&self.probe).chain(next)
    }

    /// Whether it speaks of what its application noted and `seen` does not hold (yet): close() of
    /// an iterable, for one, is called after the client has its reply.
    pub(crate) fn awaits(&self, seen: &Notes, place: &Place) -> bool {
        let lacks = |expect: &Option<ApplicationExpect>| {
            let expect = expect.as_ref();
            expect.is_some_and(|expect| expect.unmet_note(Some(seen), place).is_some())
        };
        let choices = || self.one_of.iter().map(|choice| &choice.application);
        let is_choice_open = choices().any(speaks_of_notes) && choices().all(lacks);
        lacks(&self.expect.application) || is_choice_open
    }
}

fn speaks_of_notes(expect: &Option<ApplicationExpect>) -> bool {
    let expect = expect.as_ref();
    expect.is_some_and(|expect| !expect.seen.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_is_read_from_the_host() {
        for (host, port) in [
            ("127.0.0.1:8080", "8080"),
            ("[::1]:81", "81"),
            ("[::1]", "80"),
        ] {
            assert_eq!(Place::new("", host).port(), port, "{host}");
        }
    }
}
