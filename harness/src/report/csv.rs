//! Throughput figures as comma-separated values: one line per pairing and workload, for spreadsheets.

use crate::results::{PacingKind, Results, Throughput};

/// The names of the columns. Times are in microseconds, sizes in bytes; what could not be measured
/// is empty.
const COLUMNS: [&str; 32] = [
    "gateway",
    "model",
    "carrier",
    "backend",
    "app",
    "socket",
    "backend_keepalive",
    "workload",
    "pacing",
    "connections",
    "closes",
    "offered_rps",
    "requests",
    "errors",
    "rps",
    "p50_us",
    "p90_us",
    "p99_us",
    "p999_us",
    "max_us",
    "gateway_cpu_us",
    "backend_cpu_us",
    "load_cpu_us",
    "rss_peak_bytes",
    "pss_peak_bytes",
    "forks",
    "context_switches",
    "minor_page_faults",
    "major_page_faults",
    "started",
    "rounds",
    "caveats",
];

/// The figures of a run, with a head line.
///
/// # Errors
/// Those of the writer, which has memory below it; none is known.
pub fn render(results: &Results) -> Result<String, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS)?;
    for figure in &results.throughput {
        writer.write_record(row(figure, &results.environment.started))?;
    }
    let octets = writer.into_inner().map_err(|error| error.into_error())?;
    Ok(String::from_utf8_lossy(&octets).into_owned())
}

fn row(figure: &Throughput, started: &str) -> [String; COLUMNS.len()] {
    let Throughput {
        gateway,
        model,
        carrier,
        backend,
        app,
        socket,
        backend_keepalive,
        workload,
        pacing,
        connections,
        offered_rps,
        requests,
        errors,
        rps,
        latency_us: latency,
        cpu_us_per_request: cpu,
        rss_peak_bytes,
        pss_peak_bytes,
        forks,
        context_switches,
        page_faults,
        rounds,
        closes,
        caveats,
        ..
    } = figure;
    let rounds: Vec<_> = rounds.iter().map(|rate| rounded(*rate)).collect();
    [
        text(gateway),
        text(model),
        text(carrier),
        text(backend),
        app.clone(),
        text(socket),
        text(backend_keepalive),
        workload.clone(),
        match pacing {
            PacingKind::Closed => "closed".to_owned(),
            PacingKind::Open => "open".to_owned(),
        },
        connections.to_string(),
        closes.to_string(),
        number(offered_rps),
        requests.to_string(),
        errors.to_string(),
        rounded(*rps),
        latency.p50.to_string(),
        latency.p90.to_string(),
        latency.p99.to_string(),
        latency.p999.to_string(),
        latency.max.to_string(),
        number(&cpu.gateway),
        number(&cpu.backend),
        number(&cpu.load),
        text(rss_peak_bytes),
        text(pss_peak_bytes),
        text(forks),
        text(context_switches),
        text(&page_faults.map(|faults| faults.minor)),
        text(&page_faults.map(|faults| faults.major)),
        started.to_owned(),
        rounds.join(" "),
        caveats.join("; "),
    ]
}

fn text<T: ToString>(value: &Option<T>) -> String {
    value.as_ref().map(T::to_string).unwrap_or_default()
}

fn number(value: &Option<f64>) -> String {
    value.map(rounded).unwrap_or_default()
}

fn rounded(value: f64) -> String {
    format!("{value:.1}")
}
