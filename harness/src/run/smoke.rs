//! Before results count: the pairing answers, and the probe refuses what it does not know.

use super::{
    case::Target,
    lively::{is_plain_answer, plain},
};
use crate::{seats::client::Client, witness::ClientView};

/// Asks for a plain reply and for a probe command that does not exist.
///
/// # Errors
/// What came instead: the set-up is at fault then, and no case of this pairing counts.
pub(crate) async fn test(target: &mut dyn Target) -> Result<(), String> {
    let view = ask(target, "").await?;
    if !is_plain_answer(&view) {
        return Err(format!(
            "a plain GET {} was not answered with the probe's report but with {}; gateway log: {}",
            target.place().app.clone(),
            told(&view),
            tail(&target.last_words())
        ));
    }
    let view = ask(target, "X-Probe: no-such-command\r\nConnection: close\r\n").await?;
    let body = String::from_utf8_lossy(&view.body.kept);
    if view.status == Some(400) && body.contains("unknown probe command") {
        return Ok(());
    }
    Err(format!(
        "the probe took a command that does not exist: {}",
        told(&view)
    ))
}

async fn ask(target: &dyn Target, fields: &str) -> Result<ClientView, String> {
    match Client::connect(target.listen(), target.log().clone(), 0).await {
        Ok(mut client) => Ok(client.play(&plain(target, fields)).await),
        Err(error) => Err(error.to_string()),
    }
}

/// Status and the beginning of the body.
fn told(view: &ClientView) -> String {
    let status = view
        .status
        .map_or_else(|| "none".to_owned(), |status| status.to_string());
    let shown = &view.body.kept[..view.body.kept.len().min(200)];
    format!("status {status}, body {:?}", String::from_utf8_lossy(shown))
}

fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().rev().take(3).collect();
    if lines.is_empty() {
        "empty".to_owned()
    } else {
        lines.into_iter().rev().collect::<Vec<_>>().join(" | ")
    }
}
