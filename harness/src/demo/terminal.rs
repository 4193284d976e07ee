//! The demo as text: for a lecture without a browser, and for CI.

use std::{io::Write, time::Duration};

use super::{
    breaks,
    load::{Load, Wish, Work},
    send::{Ask, Sent},
    site::Kit,
    stage::Stage,
    way::{App, Way},
};

/// Width of the longest bar in columns.
const BAR: usize = 48;

/// How long the lanes are under load.
const LOAD: Duration = Duration::from_secs(4);

/// Tells the whole lesson to `out`; `true` if every part of it could be shown.
///
/// # Errors
/// A server does not start, or `out` takes nothing any more.
pub async fn tell(kit: Kit, out: &mut dyn Write) -> anyhow::Result<bool> {
    writeln!(out, "gatebench demo: {}\n", kit.why)?;
    let stage = Stage::new(kit);
    let mut whole = one(&stage, out).await?;
    whole &= many(&stage, out).await?;
    whole &= wrong(&stage, out).await?;
    stage.close().await;
    Ok(whole)
}

/// One request each way.
async fn one(stage: &Stage, out: &mut dyn Write) -> anyhow::Result<bool> {
    writeln!(out, "1. One request\n==============")?;
    let ask = Ask {
        method: "GET".to_owned(),
        rest: "?show=1".to_owned(),
        body: String::new(),
    };
    let mut whole = true;
    for way in Way::ALL {
        // The first request of a pool starts what later ones find running.
        stage
            .send(way, App::Python, &ask)
            .await
            .map_err(anyhow::Error::new)?;
        let sent = stage
            .send(way, App::Python, &ask)
            .await
            .map_err(anyhow::Error::new)?;
        whole &= sent.status == Some(200);
        timeline(way, &sent, out)?;
    }
    Ok(whole)
}

fn timeline(way: Way, sent: &Sent, out: &mut dyn Write) -> anyhow::Result<()> {
    let took = sent.took_us;
    let status = sent
        .status
        .map_or_else(|| "no reply".to_owned(), |it| it.to_string());
    writeln!(
        out,
        "\n{way}: status {status} after {:.1} ms",
        took as f64 / 1000.0,
        way = way.word()
    )?;
    let last = sent.steps.last().map_or(1, |step| step.at_us.max(1));
    for step in &sent.steps {
        let at = usize::try_from(step.at_us * BAR as u64 / last).unwrap_or(BAR);
        let bar = format!("{}|", "·".repeat(at));
        let from = step.from;
        writeln!(
            out,
            "  {:>9.2} ms  {:<12} {bar:<50} {from}",
            step.at_us as f64 / 1000.0,
            step.name
        )?;
    }
    let born: Vec<_> = sent
        .during
        .iter()
        .filter(|seen| {
            !sent
                .before
                .iter()
                .any(|process| process.pid == seen.process.pid)
        })
        .map(|seen| format!("{} ({})", seen.process.pid, seen.process.command))
        .collect();
    match born.is_empty() {
        true => writeln!(out, "  no process was started for it")?,
        false => writeln!(out, "  started for it: {}", born.join(", "))?,
    }
    let octets: usize = sent
        .wires
        .iter()
        .filter(|burst| burst.leg == "server")
        .map(|burst| burst.octets.len() / 2)
        .sum();
    writeln!(out, "  {octets} octets between gateway and server")?;
    Ok(())
}

/// Three lanes under the same load.
async fn many(stage: &Stage, out: &mut dyn Write) -> anyhow::Result<bool> {
    writeln!(
        out,
        "\n2. Many requests: 8 connections on each lane, all at the same time\n==================================================================\n"
    )?;
    let wish = Wish {
        lanes: vec![Way::Cgi, Way::FastCgi, Way::Uwsgi],
        work: Work::Python,
        connections: 8,
        rate: 0,
        workers: 2,
    };
    let load = Load::begin(&stage.kit, wish).await?;
    let moments = load.moments();
    tokio::time::sleep(LOAD).await;
    let moment = moments.borrow().clone();
    load.end().await;
    writeln!(
        out,
        "  {:<9} {:>12} {:>10} {:>10} {:>9} {:>9}  processes",
        "", "answered/s", "p50", "p99", "CPU", "memory"
    )?;
    let mut whole = !moment.lanes.is_empty();
    for lane in &moment.lanes {
        let ms = |micros: Option<u64>| {
            micros.map_or_else(
                || "—".to_owned(),
                |it| format!("{:.1} ms", it as f64 / 1000.0),
            )
        };
        let cpu = lane
            .cpu
            .map_or_else(|| "—".to_owned(), |it| format!("{it:.0} %"));
        let memory = lane.memory.map_or_else(
            || "—".to_owned(),
            |it| format!("{:.1} MiB", it as f64 / 1_048_576.0),
        );
        let processes = match lane.way.has_process_per_request() {
            true => format!("one per request; {} seen passing", lane.passing.len()),
            false => format!("{} that stay", lane.workers.len()),
        };
        writeln!(
            out,
            "  {:<9} {:>12.0} {:>10} {:>10} {:>9} {:>9}  {processes}",
            lane.way.word(),
            lane.rps,
            ms(lane.p50_us),
            ms(lane.p99_us),
            cpu,
            memory
        )?;
        whole &= lane.answered > 0 && lane.failed == 0;
    }
    if let Some(busy) = moment.machine.busy {
        writeln!(
            out,
            "\n  The machine: {} cores, {busy:.0} % busy; the lanes and the load share them.",
            moment.machine.cpus
        )?;
    }
    Ok(whole)
}

/// Each trouble, broken and mended, over FastCGI.
async fn wrong(stage: &Stage, out: &mut dyn Write) -> anyhow::Result<bool> {
    writeln!(out, "\n3. What breaks\n==============")?;
    for trouble in &breaks::TROUBLES {
        for mended in [false, true] {
            let played = stage
                .play(trouble.id, Way::FastCgi, mended)
                .await
                .map_err(anyhow::Error::new)?;
            let how = if mended { "mended" } else { "broken" };
            writeln!(out, "\n{} ({how}; {})", trouble.id, played.option)?;
            for client in &played.clients {
                let what = match (client.status, &client.trouble) {
                    (_, Some(trouble)) => trouble.clone(),
                    (Some(status), None) => format!("status {status}"),
                    (None, None) => "nothing".to_owned(),
                };
                let pid = client
                    .pid
                    .map_or_else(String::new, |pid| format!(", by process {pid}"));
                writeln!(
                    out,
                    "  {:>8.1} ms  {}  {what}{pid}",
                    client.took_ms, client.query
                )?;
            }
            for (who, log) in &played.logs {
                for line in log.lines().filter(|line| !line.starts_with('[')).take(6) {
                    writeln!(out, "  {who} logs: {line}")?;
                }
            }
        }
    }
    Ok(true)
}
