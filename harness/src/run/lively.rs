//! Whether the subjects are well: a plain request is answered, and no process has died.

use std::time::Duration;

use super::case::{Target, report};
use crate::{
    scenario::{Action, Script},
    seats::{ConnectError, client::Client},
    transcript::{Leg, Way},
    witness::{ClientView, Connection, Evidence, Health, ProcessView},
};

/// How long a plain request may take before a subject counts as stuck.
const PLAIN_WITHIN: Duration = Duration::from_secs(5);

/// Number of the connection that only looks whether somebody answers.
const LOOK: u32 = 9;

/// A GET of the probe with these field lines besides; without any, a request that every healthy
/// pairing answers with the probe's report.
pub(super) fn plain(target: &dyn Target, fields: &str) -> Script {
    let place = target.place();
    let path = match place.app.as_str() {
        "" => "/",
        app => app,
    };
    let head = format!(
        "GET {path} HTTP/1.1\r\nHost: {}\r\n{fields}\r\n",
        place.host
    );
    Script {
        method: "GET".to_owned(),
        actions: vec![Action::Send(head.into_bytes())],
        within: PLAIN_WITHIN,
    }
}

/// Whether it is the answer to a plain request.
pub(super) fn is_plain_answer(view: &ClientView) -> bool {
    view.status == Some(200) && view.malformed.is_none() && report(view).is_some()
}

/// How the subjects are after a case. Asked before their processes are looked at, since one may
/// die a moment after it replied.
///
/// # Errors
/// When the bench itself cannot connect.
pub(super) async fn health(
    target: &mut dyn Target,
    evidence: &Evidence,
    follow_up: FollowUp,
) -> Result<ProcessView, ConnectError> {
    let stuck = match has_answered_since(evidence, follow_up) {
        true => None,
        false => stuck(target).await?,
    };
    let mut process = target.health();
    let side = match stuck {
        None => return Ok(process),
        Some(Side::Gateway) => &mut process.gateway,
        Some(Side::Backend) => &mut process.backend,
    };
    if *side == Health::Alive {
        *side = Health::Stuck;
    }
    Ok(process)
}

/// What the second request of a case was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FollowUp {
    /// What every pairing answers alike.
    Plain,
    /// What the scenario asks, and whatever it shall be answered with.
    Spelled,
}

/// Whether the follow-up has shown already that somebody answers.
fn has_answered_since(evidence: &Evidence, follow_up: FollowUp) -> bool {
    let Some(next) = &evidence.next else {
        return false;
    };
    let ended = |view: &ClientView| view.connection != Connection::Stalled;
    let is_answered = match follow_up {
        FollowUp::Plain => is_plain_answer(&next.client),
        FollowUp::Spelled => next.client.status.is_some_and(|status| status < 500),
    };
    is_answered && ended(&next.client) && ended(&evidence.client)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Gateway,
    Backend,
}

/// Who does not answer a plain request on a new connection, if somebody does not.
async fn stuck(target: &mut dyn Target) -> Result<Option<Side>, ConnectError> {
    let log = target.log().clone();
    let before = log.len();
    let is_answered = match Client::connect(target.listen(), log.clone(), LOOK).await {
        Ok(mut client) => is_plain_answer(&client.play(&plain(target, "")).await),
        Err(ConnectError::Refused(_)) => false,
        Err(own) => return Err(own),
    };
    let passed = |way| log.has_octets_since(before, Leg::Upstream, way);
    Ok(match is_answered {
        true => None,
        // The recorder answers whatever is a whole request.
        false if target.recorded().is_some() => Some(Side::Gateway),
        // What the gateway passed on and nobody answered is not the gateway's to answer.
        false if passed(Way::Request) && !passed(Way::Reply) => Some(Side::Backend),
        false => Some(Side::Gateway),
    })
}
