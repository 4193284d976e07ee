//! An exchange as one line of text, or of JSON.

use std::{
    borrow::Cow,
    fmt::{self, Write},
    time::Duration,
};

use serde_json::{Value, json};

use super::{Ending, Exchange, Finding};
use crate::decode;

/// A method or URI of fewer characters is never cut.
const PLAIN: usize = 100;

/// The line, without its end: time of day, place, what was asked, what came, how long it took.
pub fn text(exchange: &Exchange, clock: &str) -> String {
    let protocol = exchange.protocol.map_or("?", |it| it.word());
    let mut line = String::with_capacity(160);
    let _ = write!(
        line,
        "{clock} {}.{} {protocol:<7} ",
        exchange.connection, exchange.nth
    );
    match exchange.method.as_str() {
        "" => line.push_str("(no request understood)"),
        method => {
            let _ = write!(line, "{} {}", shown(method), shown(&exchange.uri));
        }
    }
    let _ = match exchange.status {
        Some(status) => write!(line, " → {status}  "),
        None => write!(line, " → ---  "),
    };
    let (up, down) = (exchange.request.octets, exchange.reply.octets);
    let _ = write!(line, "{} up, {} down", Octets(up), Octets(down));
    if let Some(waited) = exchange.waited() {
        let _ = write!(line, "  first {}", Time(waited));
    }
    if let Some(took) = exchange.took() {
        let _ = write!(line, "  all {}", Time(took));
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
fn shown(text: &str) -> Cow<'_, str> {
    // What is plain and short stays as it is.
    let is_plain = |octet: u8| octet.is_ascii_graphic() && octet != b'\\';
    if text.len() < PLAIN && text.bytes().all(is_plain) {
        return Cow::Borrowed(text);
    }
    let octets: Vec<u8> = text.chars().map(|c| c as u8).collect();
    Cow::Owned(decode::text(&octets))
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
struct Octets(u64);

impl fmt::Display for Octets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            number @ 0..10_000 => write!(f, "{number} B"),
            number @ 10_000..10_000_000 => write!(f, "{:.1} kB", number as f64 / 1e3),
            number => write!(f, "{:.1} MB", number as f64 / 1e6),
        }
    }
}

/// A time as people read it.
pub(super) struct Time(pub(super) Duration);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (micros, nanos) = (self.0.as_micros(), self.0.as_nanos());
        match micros {
            ..1_000 => write!(f, "{} µs", (nanos + 500) / 1_000),
            1_000..1_000_000 => {
                let tenths = (micros + 50) / 100;
                write!(f, "{}.{} ms", tenths / 10, tenths % 10)
            }
            _ => write!(f, "{:.2} s", self.0.as_secs_f64()),
        }
    }
}
