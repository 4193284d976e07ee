//! One trial of one lane.

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::atomic::AtomicBool,
    thread,
    time::{Duration, Instant},
};

use super::{
    asks::Asks,
    lane::Lane,
    sample::{Measure, Sample},
    start::{Up, up},
};
use crate::{
    address::Address,
    bench::Bench,
    launch::{Family, Running},
    load::{self, LoadSpec, Meter, Pacing, Spacing, Stop},
};

/// Load before each round that is not counted.
const WARM_UP: Duration = Duration::from_millis(500);

/// How long a first answer is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// Requests before memory is looked at, so that every worker has run the application.
const ACQUAINTANCE: u32 = 400;

/// Closed pacing by so many connections for so long.
///
/// # Errors
/// Nothing was answered, or the load could not be made.
pub(super) fn load(
    up: &Up,
    asks: Asks,
    connections: u32,
    time: Duration,
) -> Result<Sample, String> {
    let spec = spec(up, asks, connections, time);
    let (report, cost) = metered(up, &spec)?;
    match report.answered {
        0 => Err(format!(
            "nothing was answered; {} requests failed",
            report.failures.total()
        )),
        _ => Ok(Sample::of_load(&report, &cost)),
    }
}

/// Open pacing at this rate per second.
///
/// # Errors
/// The load could not be made.
pub(super) fn pace(
    up: &Up,
    asks: Asks,
    connections: u32,
    time: Duration,
    rate: f64,
) -> Result<Sample, String> {
    let spacing = Spacing::Poisson;
    let spec = LoadSpec {
        pacing: Pacing::Open { rate, spacing },
        ..spec(up, asks, connections, time)
    };
    let (report, _) = metered(up, &spec)?;
    Ok(Sample::of_pace(&report, rate))
}

fn spec(up: &Up, asks: Asks, connections: u32, time: Duration) -> LoadSpec {
    LoadSpec {
        asks: asks.of(up.app),
        connections,
        warm_up: WARM_UP,
        stop: Stop::After(time),
        ..LoadSpec::new(Address::Tcp(up.listen.to_string()), Vec::new())
    }
}

fn metered(up: &Up, spec: &LoadSpec) -> Result<(load::LoadReport, load::Cost), String> {
    let gateway = up.gateway.as_ref().map(Running::family);
    let server = up.server.family();
    let pids = move || gateway.as_ref().map_or_else(Vec::new, Family::pids);
    let mut meter = Meter::new(pids, move || server.pids());
    let never = AtomicBool::new(false);
    load::measure(spec, &mut meter, &never, &mut |_, _| {}).map_err(|error| error.to_string())
}

/// The time from the start of a server to its first answer.
///
/// # Errors
/// It does not run, or its answer is none of success.
pub(super) async fn first_answer(lane: &Lane, bench: &Bench) -> Result<Sample, String> {
    let begun = Instant::now();
    let up = up(lane, lane.workers, bench).await?;
    answer(&up)?;
    let took = begun.elapsed().as_secs_f64() * 1e3;
    Ok(Sample::of(Measure::StartMs, took))
}

/// What one more worker takes of memory.
///
/// # Errors
/// It does not run, or its memory cannot be read.
pub(super) async fn memory(lane: &Lane, bench: &Bench) -> Result<Sample, String> {
    let mut sizes = Vec::new();
    for workers in [2, 4] {
        let up = up(lane, workers, bench).await?;
        for _ in 0..ACQUAINTANCE {
            answer(&up)?;
        }
        let server = up.server.family();
        let mut meter = Meter::new(Vec::new, move || server.pids());
        meter.open();
        let size = meter.close().pss_peak;
        sizes.push(size.ok_or("its memory (PSS) cannot be read")? as f64);
    }
    Ok(Sample::of(
        Measure::WorkerKib,
        (sizes[1] - sizes[0]) / 2.0 / 1024.0,
    ))
}

/// One request on a connection of its own, until it is answered.
fn answer(up: &Up) -> Result<(), String> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let last = match ask(up) {
            Ok(reply) if reply.starts_with(b"HTTP/1.1 200") => return Ok(()),
            Ok(reply) if !reply.is_empty() => {
                let line = reply
                    .split(|&octet| octet == b'\r')
                    .next()
                    .unwrap_or_default();
                return Err(format!("it answers {:?}", String::from_utf8_lossy(line)));
            }
            Ok(_) => "it closed the connection".to_owned(),
            Err(error) => error.to_string(),
        };
        if Instant::now() > deadline {
            return Err(format!("no answer within {} s: {last}", PATIENCE.as_secs()));
        }
        thread::sleep(Duration::from_millis(1));
    }
}

fn ask(up: &Up) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(up.listen)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply)?;
    Ok(reply)
}
