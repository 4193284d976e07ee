//! An exchange as one line of text, or of JSON.

use std::{fmt::Write, time::Duration};

use serde_json::{Value, json};

use super::{Ending, Exchange, Finding};
use crate::decode;

/// The line, without its end: time of day, place, what was asked, what came, how long it took.
pub fn text(exchange: &Exchange, clock: &str) -> String {
    let protocol = exchange.protocol.map_or("?", |it| it.word());
    let mut line = format!(
        "{clock} {}.{} {protocol:<7} ",
        exchange.connection, exchange.nth
    );
    match exchange.method.as_str() {
        "" => line.push_str("(no request understood)"),
        method => {
            let _ = write!(line, "{} {}", shown(method), shown(&exchange.uri));
        }
    }
    let status = exchange
        .status
        .map_or_else(|| "---".to_owned(), |it| it.to_string());
    let _ = write!(
        line,
        " → {status}  {} up, {} down",
        octets(exchange.request.octets),
        octets(exchange.reply.octets)
    );
    if let Some(waited) = exchange.waited() {
        let _ = write!(line, "  first {}", time(waited));
    }
    if let Some(took) = exchange.took() {
        let _ = write!(line, "  all {}", time(took));
    }
    if let Some(how) = ending(&exchange.ending) {
        let _ = write!(line, "  ({how})");
    }
    if exchange.incomplete {
        line.push_str("  (not all of it was decoded)");
    }
    line
}

/// Terminals obey control characters, and a client chooses its URI.
fn shown(text: &str) -> String {
    let octets: Vec<u8> = text.chars().map(|c| c as u8).collect();
    decode::text(&octets)
}

fn ending(ending: &Ending) -> Option<&str> {
    match ending {
        Ending::Complete => None,
        Ending::Open => Some("open"),
        Ending::BackendClosed => Some("closed by the application server"),
        Ending::BackendReset => Some("reset by the application server"),
        Ending::GatewayClosed => Some("closed by the gateway"),
        Ending::Refused(_) => Some("no connection"),
    }
}

/// A finding below its exchange; only named where it was told in full before.
pub fn finding(finding: &Finding, in_full: bool) -> String {
    let rule = match finding.requirement {
        "" => String::new(),
        rule => format!(" [{rule}]"),
    };
    match in_full {
        true => format!(
            "    !! {}{rule}: {}\n       → {}",
            finding.problem,
            shown_text(&finding.cause),
            shown_text(&finding.cure)
        ),
        false => format!("    !! {}{rule}: as above", finding.problem),
    }
}

fn shown_text(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

/// The exchange as one JSON object.
pub fn json(exchange: &Exchange, findings: &[Finding], clock: &str) -> Value {
    let micros =
        |time: Option<Duration>| time.map(|it| u64::try_from(it.as_micros()).unwrap_or(u64::MAX));
    let mut value = json!(exchange);
    value["time"] = json!(clock);
    value["first_byte_us"] = json!(micros(exchange.waited()));
    value["duration_us"] = json!(micros(exchange.took()));
    value["findings"] = json!(findings);
    value
}

/// Octets as people read them.
fn octets(number: u64) -> String {
    match number {
        0..10_000 => format!("{number} B"),
        10_000..10_000_000 => format!("{:.1} kB", number as f64 / 1e3),
        _ => format!("{:.1} MB", number as f64 / 1e6),
    }
}

/// A time as people read it.
pub(super) fn time(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    match seconds {
        ..0.001 => format!("{:.0} µs", seconds * 1e6),
        0.001..1.0 => format!("{:.1} ms", seconds * 1e3),
        _ => format!("{seconds:.2} s"),
    }
}
