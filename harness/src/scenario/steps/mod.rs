//! `steps`: what the driver does in the gateway's seat, and what it waits for.
//!
//! Pure: a step says which octets leave and what must have come; the driver in `seats` does it.

use std::time::Duration;

use serde::Deserialize;

use super::{
    Kind, Place, Scenario,
    expect::Expect,
    probe::Probe,
    request::{Part, Request},
    text::Time,
};
use crate::model::Model;

mod ask;
pub mod expect;
pub mod fastcgi;
mod observe;
mod records;
mod response;
mod scgi;
mod send;
mod uwsgi;

pub use ask::Ask;
pub use expect::{Expectation, Progress, Seen};
pub use observe::ObservedOfDriver;
pub use send::{Emit, Item, Sends, request};

/// The connection that is open from the start.
pub const FIRST: &str = "a";

/// What encoding depends on beside the step.
#[derive(Clone, Copy, Debug)]
pub struct Base<'a> {
    /// What is spoken.
    pub model: Model,
    /// What placeholders stand for.
    pub place: &'a Place,
    /// Variables that the application server needs, such as SCRIPT_FILENAME.
    pub params: &'a [(String, String)],
}

/// Of which protocol something is a part: its name and its model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Speaks(pub &'static str, pub Model);

/// One step on one connection.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "StepTable")]
pub struct Step {
    /// The connection: `a` unless told.
    pub on: String,
    /// What.
    pub act: Act,
}

/// What a step does.
#[derive(Clone, Debug)]
pub enum Act {
    /// Opens the connection.
    Connect,
    /// Sends, whole or in pieces.
    Send {
        /// What.
        sends: Sends,
        /// Octets of a piece.
        cut: Option<usize>,
        /// Wait between the pieces.
        every: Option<Duration>,
    },
    /// Waits.
    Pause(Duration),
    /// Waits for the end of a reply or of the connection, at most so long.
    Settle(Duration),
    /// Ends the sending direction.
    HalfClose,
    /// Closes the connection in order.
    Close,
    /// Resets the connection; a Unix socket can only be closed.
    Reset,
    /// Waits until this holds or cannot hold any more.
    Expect {
        /// What.
        expectation: Box<Expectation>,
        /// How long.
        within: Option<Duration>,
    },
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct StepTable {
    connect: Option<String>,
    send: Option<Sends>,
    pause: Option<Time>,
    settle: Option<Time>,
    half_close: bool,
    close: bool,
    reset: bool,
    expect: Option<Box<Expectation>>,
    on: Option<String>,
    cut: Option<usize>,
    every: Option<Time>,
    within: Option<Time>,
}

const ACTS: &str = "connect, send, pause, settle, half_close, close, reset, expect";

impl TryFrom<StepTable> for Step {
    type Error = String;

    fn try_from(table: StepTable) -> Result<Self, String> {
        let (cut, every) = (table.cut, table.every.map(|time| time.0));
        let within = table.within.map(|time| time.0);
        let (is_send, is_expect) = (table.send.is_some(), table.expect.is_some());
        let own = table.connect.clone();
        let acts = [
            table.connect.map(|_| Act::Connect),
            table.send.map(|sends| Act::Send { sends, cut, every }),
            table.pause.map(|time| Act::Pause(time.0)),
            table.settle.map(|time| Act::Settle(time.0)),
            table.half_close.then_some(Act::HalfClose),
            table.close.then_some(Act::Close),
            table.reset.then_some(Act::Reset),
            table.expect.map(|expectation| Act::Expect {
                expectation,
                within,
            }),
        ];
        let mut acts = acts.into_iter().flatten();
        let (Some(act), None) = (acts.next(), acts.next()) else {
            return Err(format!("a step has exactly one of {ACTS}"));
        };
        if (cut.is_some() || every.is_some()) && !is_send {
            return Err("`cut` and `every` are for `send`".to_owned());
        }
        if cut == Some(0) || (every.is_some() && cut.is_none()) {
            return Err(
                "`cut` is the size of a piece, from 1; `every` is the wait between them".to_owned(),
            );
        }
        if within.is_some() && !is_expect {
            return Err("`within` is for `expect`".to_owned());
        }
        if own.is_some() && table.on.is_some() {
            return Err("`connect` names its connection itself".to_owned());
        }
        let on = own.or(table.on).unwrap_or_else(|| FIRST.to_owned());
        Ok(Self { on, act })
    }
}

impl Step {
    fn speaks(&self) -> Vec<Speaks> {
        match &self.act {
            Act::Send { sends, .. } => sends.0.iter().filter_map(Item::speaks).collect(),
            Act::Expect { expectation, .. } => expectation.speaks().into_iter().collect(),
            _ => Vec::new(),
        }
    }

    fn uses_probe(&self) -> bool {
        match &self.act {
            Act::Send { sends, .. } => sends.0.iter().any(Item::tells_probe),
            Act::Expect { expectation, .. } => expectation.looks_at_application(),
            _ => false,
        }
    }
}

/// The `spec` of scenarios that were captured from whatever application ran there.
pub const CAPTURED: &str = "captured traffic";

/// The body that steps sent on a connection for request `id`: what `of-request` is the digest of.
pub fn sent<'a>(steps: impl IntoIterator<Item = &'a Step>, on: &str, id: u16) -> Request {
    let steps = steps.into_iter().filter(|step| step.on == on);
    let items = steps.flat_map(|step| match &step.act {
        Act::Send { sends, .. } => sends.0.as_slice(),
        _ => &[],
    });
    let contents = items.filter_map(|item| match item {
        Item::Request(ask) if ask.id() == id => ask.body.clone(),
        Item::FastCgi(item) => {
            let (of, content) = item.body()?;
            (of == id).then(|| content.clone())
        }
        _ => None,
    });
    Request {
        parts: contents.map(Part::Body).collect(),
        ..Request::default()
    }
}

impl Scenario {
    /// Whether the application server has to run the probe for it: it tells the probe something,
    /// or looks at what an application answers. Captured traffic is another application's.
    pub fn uses_probe(&self) -> bool {
        self.spec != CAPTURED && self.all_steps().any(Step::uses_probe)
    }

    /// The steps, and those of the outcomes.
    fn all_steps(&self) -> impl Iterator<Item = &Step> {
        let choices = self.one_of.iter().flat_map(|choice| &choice.steps);
        self.steps.iter().chain(choices)
    }
}

/// What is wrong with the steps of a scenario, beyond what one of them alone can tell.
pub(super) fn flaws(scenario: &Scenario) -> Vec<String> {
    if scenario.reply.is_some() && !scenario.steps.is_empty() {
        return vec!["a case has either `steps` or `reply`".to_owned()];
    }
    if scenario.kind() != Kind::Backend {
        let has_steps = scenario
            .one_of
            .iter()
            .any(|choice| !choice.steps.is_empty());
        let told = "an outcome has `steps` only where the scenario has";
        return has_steps.then(|| told.to_owned()).into_iter().collect();
    }
    let checks = [foreign, protocol, names, outcomes];
    checks.iter().flat_map(|check| check(scenario)).collect()
}

/// Keys that speak of a gateway.
fn foreign(scenario: &Scenario) -> Vec<String> {
    let Expect {
        client,
        application,
        received,
        next_request,
        process: _,
    } = &scenario.expect;
    let choices = &scenario.one_of;
    let used = [
        ("request", scenario.request != Request::default()),
        ("probe", scenario.probe != Probe::default()),
        ("expect.client", client.is_some()),
        ("expect.application", application.is_some()),
        ("expect.received", received.is_some()),
        ("expect.next_request", next_request.is_some()),
        (
            "one_of.client",
            choices.iter().any(|choice| choice.client.is_some()),
        ),
        (
            "one_of.application",
            choices.iter().any(|choice| choice.application.is_some()),
        ),
        (
            "one_of.received",
            choices.iter().any(|choice| choice.received.is_some()),
        ),
    ];
    let used = used.into_iter().filter(|(_, is_used)| *is_used);
    let told = |(key, _)| {
        format!(
            "`{key}` speaks of a gateway; beside `steps`, say it by a step, on a connection of its own if need be"
        )
    };
    used.map(told).collect()
}

/// Steps of one protocol need `models` that says so.
fn protocol(scenario: &Scenario) -> Vec<String> {
    let mut told = Vec::new();
    for Speaks(name, model) in scenario.all_steps().flat_map(Step::speaks) {
        if scenario.models.as_deref() != Some(&[model][..]) {
            let flaw = format!("a step speaks {name}; write `models = [\"{model}\"]`");
            if !told.contains(&flaw) {
                told.push(flaw);
            }
        }
    }
    told
}

/// A connection is opened once, before it is used.
fn names(scenario: &Scenario) -> Vec<String> {
    let mut open = vec![FIRST];
    let mut told = Vec::new();
    for step in scenario.all_steps() {
        match (&step.act, open.contains(&step.on.as_str())) {
            (Act::Connect, true) => told.push(format!("connection `{}` is opened twice", step.on)),
            (Act::Connect, false) => open.push(&step.on),
            (_, false) => told.push(format!(
                "connection `{0}` is not opened; write {{ connect = \"{0}\" }} before",
                step.on
            )),
            (_, true) => {}
        }
    }
    told
}

/// Several outcomes are waited for at a time, so nothing else can happen in them.
fn outcomes(scenario: &Scenario) -> Vec<String> {
    let choices = scenario.one_of.iter();
    let steps = choices.flat_map(|choice| &choice.steps);
    let other = steps.filter(|step| !matches!(step.act, Act::Expect { .. }));
    let told =
        other.map(|_| "the steps of an outcome are `expect`s; send before `one_of`".to_owned());
    let mut told: Vec<String> = told.collect();
    told.truncate(1);
    told
}

#[cfg(test)]
mod tests;
