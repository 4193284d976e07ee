//! What must have come as the reply to a request.

use serde::Deserialize;

use super::expect::{Progress, Seen};
use crate::{
    dialogue::{Line, Reply},
    outcome::Witness,
    scenario::{
        expect::{
            Mismatch, Scene,
            application::ApplicationExpect,
            body::Body,
            client::ClientExpect,
            status::{Status, status_line},
            value::{Value, quote},
        },
        text::{Text, latin1},
    },
};

/// Conditions on one reply; what is left out is not looked at.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ResponseExpect {
    /// FastCGI: to which request, 1 unless told.
    pub id: Option<u16>,
    /// Which reply on the connection, or to that id, from 1.
    pub nth: Option<usize>,
    /// `false`: looked at as far as it has come, complete or not.
    pub complete: Option<bool>,
    /// Status; CGI output without one is 200.
    pub status: Option<Status>,
    /// Reason phrase.
    pub reason: Option<Value>,
    /// As for a client.
    pub headers: Vec<(Text, Value)>,
    /// Fields that come exactly once.
    pub once: Vec<String>,
    /// Fields that come once or not at all.
    pub at_most_once: Vec<String>,
    /// Fields that do not come.
    pub without: Vec<String>,
    /// The body.
    pub body: Option<Body>,
    /// Statuses of interim responses.
    pub interim: Option<Vec<u16>>,
    /// What the application saw, by the probe's report.
    pub application: Option<ApplicationExpect>,
    /// FastCGI: what came on STDERR.
    pub stderr: Option<Value>,
}

impl ResponseExpect {
    /// Whether it looks at what only the application decides.
    pub(super) fn looks_at_application(&self) -> bool {
        let client = self.client();
        client.status.is_some()
            || client.reason.is_some()
            || client.body.is_some()
            || client.interim.is_some()
            || !client.headers.is_empty()
            || !client.once.is_empty()
            || !client.at_most_once.is_empty()
            || !client.without.is_empty()
            || self.application.is_some()
            || self.stderr.is_some()
    }

    /// The request that it is about.
    pub(super) fn id(&self) -> u16 {
        self.id.unwrap_or(1)
    }

    pub(super) fn progress(&self, line: &Line, seen: &Seen<'_>) -> Progress {
        let Some(reply) = line.reply(self.id(), self.nth.unwrap_or(1)) else {
            let unmet = Mismatch::new(Witness::Reply, "response", "a response", line.came());
            return Progress::unmet(unmet, line.end.is_some());
        };
        if let Some(flaw) = &reply.view.malformed {
            let expected = "a well-formed head and body";
            return Progress::Never(Mismatch::new(Witness::Reply, "response", expected, flaw));
        }
        let is_partial = self.complete == Some(false);
        if !reply.complete && !is_partial {
            let actual = format!("{} octets of output, then {}", reply.output, stand(line));
            let unmet = Mismatch::new(Witness::Reply, "response", "a complete response", actual);
            return Progress::unmet(unmet, line.end.is_some());
        }
        let is_last = reply.complete || line.end.is_some();
        match self.mismatch(reply, seen) {
            None => Progress::Met,
            Some(unmet) => Progress::unmet(unmet, is_last),
        }
    }

    fn mismatch(&self, reply: &Reply, seen: &Seen<'_>) -> Option<Mismatch> {
        let request = seen.request(self.id());
        let scene = Scene {
            request: &request,
            place: seen.place,
        };
        let client = self.client();
        client
            .mismatch(&reply.view, Witness::Reply, &scene)
            .or_else(|| self.unmet_application(reply, &scene))
            .or_else(|| self.unmet_stderr(reply, &scene))
    }

    fn unmet_application(&self, reply: &Reply, scene: &Scene<'_>) -> Option<Mismatch> {
        let application = self.application.as_ref()?;
        match reply.report() {
            Some(report) => application.mismatch(&report, scene),
            None => {
                let actual = status_line(&reply.view);
                let expected = "the probe's report";
                Some(Mismatch::new(Witness::Reply, "response", expected, actual))
            }
        }
    }

    fn unmet_stderr(&self, reply: &Reply, scene: &Scene<'_>) -> Option<Mismatch> {
        let actual = latin1(&reply.stderr);
        let expected = self.stderr.as_ref()?.unmet(Some(&actual), scene.place)?;
        Some(Mismatch::new(
            Witness::Reply,
            "response.stderr",
            expected,
            quote(&actual),
        ))
    }

    fn client(&self) -> ClientExpect {
        ClientExpect {
            status: self.status.clone(),
            reason: self.reason.clone(),
            headers: self.headers.clone(),
            once: self.once.clone(),
            at_most_once: self.at_most_once.clone(),
            without: self.without.clone(),
            body: self.body.clone(),
            connection: None,
            first_byte: None,
            interim: self.interim.clone(),
        }
    }
}

/// How the connection stands, behind "then".
fn stand(line: &Line) -> String {
    match &line.end {
        None => "nothing more".to_owned(),
        Some(end) => end.words(),
    }
}
