//! Where the time of CGI requests goes: a short round for each CGI pairing on gateserve, after all
//! that is measured and on processes of its own, so that writing steps down slows no figure.

use std::{
    fs,
    time::{Duration, Instant},
};

use futures_util::future;

use super::{contenders, lively, plan::Plan, smoke};
use crate::{
    bench::Bench,
    cgi_steps::CgiSteps,
    event::{Event, Observer},
    pairing::{Pairing, Started},
    results::Throughput,
    seats::client::Client,
    transcript::Log,
};

/// How many requests are traced at most.
const REQUESTS: usize = 300;

/// How long they may take together.
const WITHIN: Duration = Duration::from_secs(3);

/// Requests before, several at a time: a warm interpreter boots with its first.
const BEFORE: (usize, usize) = (3, 4);

/// The command of the measured requests.
const HELLO: &str = "X-Probe: body=Hello, world!\r\n";

/// Traces each CGI pairing of the plan that has a figure, and adds what came of it to the figure.
pub async fn add_steps(
    figures: &mut [Throughput],
    plan: &Plan,
    bench: &Bench,
    observer: &mut dyn Observer,
) {
    for pairing in contenders::of_plan(plan).filter(|pairing| pairing.model.is_cgi()) {
        let is_own = |figure: &&mut Throughput| {
            figure.gateway.as_deref() == Some(&pairing.gateway_id())
                && figure.model == Some(pairing.model)
                && figure.backend.as_deref() == Some(&pairing.backend_id())
        };
        let mut own: Vec<_> = figures.iter_mut().filter(is_own).collect();
        if own.is_empty() || !pairing.is_traceable() {
            continue;
        }
        let named = format!("{} by {}", pairing.gateway_id(), pairing.model);
        observer.event(&Event::Busy(&format!("{named}, step by step")));
        match trace(pairing, bench).await {
            Ok(steps) => {
                for figure in &mut own {
                    figure.cgi_steps = Some(steps.clone());
                }
            }
            Err(why) => {
                let told = format!("the steps of {named} could not be traced: {why}");
                observer.event(&Event::Note(&told));
            }
        }
    }
}

async fn trace(pairing: Pairing, bench: &Bench) -> Result<CgiSteps, String> {
    let mut started = pairing
        .start_traced(bench)
        .await
        .map_err(|error| error.to_string())?;
    smoke::test(&mut started).await?;
    for _ in 0..BEFORE.0 {
        let several = (0..BEFORE.1).map(|_| ask(&started));
        future::join_all(several).await;
    }
    let before = lines(&started)?.len();
    let begun = Instant::now();
    let mut asked = 0;
    while asked < REQUESTS && begun.elapsed() < WITHIN {
        ask(&started).await;
        asked += 1;
    }
    let lines = lines_after(&started, before + asked).await?;
    let own = lines.iter().skip(before).map(String::as_str);
    CgiSteps::of(own).ok_or_else(|| "no CGI request was written down".to_owned())
}

/// One request on a connection of its own, so that each is accepted. What came of it stands in the
/// trace.
async fn ask(started: &Started) {
    if let Ok(mut client) = Client::connect(started.listen, Log::default(), 0).await {
        client.play(&lively::plain(started, HELLO)).await;
    }
}

/// The lines once there are so many: the last may come a moment after its reply.
async fn lines_after(started: &Started, count: usize) -> Result<Vec<String>, String> {
    let begun = Instant::now();
    loop {
        let lines = lines(started)?;
        if lines.len() >= count || begun.elapsed() > Duration::from_secs(1) {
            return Ok(lines);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn lines(started: &Started) -> Result<Vec<String>, String> {
    let file = started.trace.as_ref().ok_or("nobody writes it down")?;
    let text = fs::read_to_string(file);
    let text = text.map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(text.lines().map(str::to_owned).collect())
}
