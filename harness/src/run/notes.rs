//! What the application of a WSGI case noted: asked for once the case is over, for close() and
//! much else comes after the reply.

use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher, Hasher},
    time::Duration,
};

use serde::Deserialize;
use tokio::time::{Instant, sleep};

use super::{case::Target, lively::plain};
use crate::{
    scenario::{Place, Scenario},
    seats::{ConnectError, client::Client},
    witness::Notes,
};

/// How long notes that the scenario speaks of are waited for: a server may see only at its next
/// write that the client is gone.
const PATIENCE: Duration = Duration::from_secs(4);

/// How long an answer is waited for at all: right behind a case a server may turn one request away.
const ANSWER: Duration = Duration::from_secs(1);

/// Time between two looks.
const AGAIN: Duration = Duration::from_millis(30);

/// Number of the connection that asks for the notes.
const RECALL: u32 = 8;

/// The probe's answer to `recall`.
#[derive(Deserialize)]
struct Told {
    seen: Notes,
}

/// A name for one run of one case: no other has it, so that no stale note is taken for its own.
pub(super) fn fresh_case() -> String {
    format!("{:016x}", RandomState::new().build_hasher().finish())
}

/// The notes, as soon as they are what the scenario expects, or as they are when its patience
/// ends; `None` where the probe tells none.
///
/// # Errors
/// When the bench itself cannot connect.
pub(super) async fn recall(
    target: &dyn Target,
    scenario: &Scenario,
    place: &Place,
) -> Result<Option<Notes>, ConnectError> {
    let began = Instant::now();
    loop {
        let seen = ask(target, &place.case).await?;
        if began.elapsed() >= patience(seen.as_ref().map(|seen| scenario.awaits(seen, place))) {
            return Ok(seen);
        }
        sleep(AGAIN).await;
    }
}

/// How long is waited where notes still await something, or nothing more, or there is no answer at all.
fn patience(awaits: Option<bool>) -> Duration {
    match awaits {
        None => ANSWER,
        Some(true) => PATIENCE,
        Some(false) => Duration::ZERO,
    }
}

async fn ask(target: &dyn Target, case: &str) -> Result<Option<Notes>, ConnectError> {
    let log = target.log().clone();
    let script = plain(
        target,
        &format!("X-Probe: recall={case}\r\nConnection: close\r\n"),
    );
    let view = match Client::connect(target.listen(), log, RECALL).await {
        Ok(mut client) => client.play(&script).await,
        Err(ConnectError::Refused(_)) => return Ok(None),
        Err(own) => return Err(own),
    };
    let told: Option<Told> = serde_json::from_slice(&view.body.kept).ok();
    Ok(told.map(|told| told.seen))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_answer_is_asked_for_again_and_whole_notes_are_not() {
        assert!(patience(None) > 3 * AGAIN);
        assert!(patience(Some(true)) > patience(None));
        assert_eq!(patience(Some(false)), Duration::ZERO);
    }
}
