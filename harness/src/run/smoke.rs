//! Before results count: the pairing answers, and the probe refuses what it does not know.

use std::time::Duration;

use super::case::{self, Target};
use crate::{
    scenario::{Action, Script},
    seats::client::Client,
};

/// Asks for a plain reply and for a probe command that does not exist.
///
/// # Errors
/// What came instead: the set-up is at fault then, and no case of this pairing counts.
pub(super) async fn test(target: &mut dyn Target) -> Result<(), String> {
    if !case::answers(target).await {
        return Err(format!(
            "a plain GET {} was not answered with the probe's report; gateway log: {}",
            target.place().app.clone(),
            tail(&target.last_words())
        ));
    }
    let view = match Client::connect(target.listen(), target.log().clone(), 0).await {
        Ok(mut client) => client.play(&unknown_command(target)).await,
        Err(error) => return Err(format!("the gateway takes no connection: {error}")),
    };
    let body = String::from_utf8_lossy(&view.body.kept).into_owned();
    if view.status == Some(400) && body.contains("unknown probe command") {
        return Ok(());
    }
    let status = view
        .status
        .map_or_else(|| "none".to_owned(), |status| status.to_string());
    Err(format!(
        "the probe took a command that does not exist: status {status}, body {body:?}"
    ))
}

fn unknown_command(target: &dyn Target) -> Script {
    let place = target.place();
    let target = if place.app.is_empty() {
        "/"
    } else {
        place.app.as_str()
    };
    let head = format!(
        "GET {target} HTTP/1.1\r\nHost: {}\r\nX-Probe: no-such-command\r\nConnection: close\r\n\r\n",
        place.host
    );
    Script {
        method: "GET".to_owned(),
        actions: vec![Action::Send(head.into_bytes())],
        within: Duration::from_secs(5),
    }
}

fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().rev().take(3).collect();
    if lines.is_empty() {
        "empty".to_owned()
    } else {
        lines.into_iter().rev().collect::<Vec<_>>().join(" | ")
    }
}
