//! One request, and all that can be seen of it.

use std::{
    fmt::Write as _,
    time::{Duration, Instant},
};

use serde::Serialize;
use serde_json::Value;
use tokio::time::{sleep, timeout};

use super::{
    clock,
    site::{Shown, Site},
    timeline::{self, Step},
    tree::{self, Process, Seen, Watcher},
};
use crate::{
    decode::{self, Direction, Field},
    model::Model,
    scenario::{Action, Script},
    seats::client::Client,
    transcript::{Entry, Happened, Leg, Transcript, Way as Going},
    witness::{ClientView, Connection},
};

/// How long a visitor waits at most.
const WITHIN: Duration = Duration::from_secs(10);

/// How long the server may take to write down that a request has ended.
const TRACED_WITHIN: Duration = Duration::from_secs(2);

/// What a visitor asks for.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) method: String,
    /// Path and query below `/app`.
    pub(super) rest: String,
    pub(super) body: String,
}

/// All that was seen.
#[derive(Debug, Serialize)]
pub(super) struct Sent {
    pub(super) status: Option<u16>,
    /// Why there is no whole reply.
    pub(super) trouble: Option<String>,
    /// What the application told of itself, where it did.
    pub(super) told: Option<Value>,
    /// The reply's body, where it is text.
    pub(super) body: String,
    /// From the first byte sent to the last received, in microseconds.
    pub(super) took_us: u64,
    pub(super) steps: Vec<Step>,
    pub(super) wires: Vec<Burst>,
    pub(super) before: Vec<Process>,
    pub(super) during: Vec<Seen>,
    pub(super) after: Vec<Process>,
    pub(super) logs: Vec<(String, String)>,
    pub(super) shown: Vec<Shown>,
}

/// What went one way over one wire without a pause for the other side.
#[derive(Debug, Serialize)]
pub(super) struct Burst {
    /// `client` (client and gateway) or `server` (gateway and server).
    pub(super) leg: &'static str,
    pub(super) connection: u32,
    /// `request` or `reply`.
    pub(super) direction: &'static str,
    /// Microseconds of the monotonic clock.
    pub(super) at_us: u64,
    /// `opens`, `ends`, `breaks: …`, or nothing where octets went.
    pub(super) event: String,
    /// In hexadecimal.
    pub(super) octets: String,
    pub(super) fields: Vec<Field>,
    #[serde(skip)]
    raw: Vec<u8>,
}

/// Sends a request to a site and looks on.
pub(super) async fn send(site: &mut Site, ask: &Ask) -> Sent {
    site.log.take();
    if let Some(tap) = &site.tap {
        tap.forget();
    }
    site.logs();
    let traced = site.traces().len();
    let before = tree::tree(&site.roots());
    let watcher = Watcher::begin(site.roots());
    let began = (clock::now_us(), Instant::now());
    let view = play(site, ask).await;
    let took = began.1.elapsed();
    let trace = trace(site, traced).await;
    let during = watcher.end();
    let after = tree::tree(&site.roots());
    let transcript = site.log.take();
    let wires = bursts(&transcript, site.order.way.protocol());
    let (status, trouble) = match &view {
        Ok(view) => (view.status, trouble(view)),
        Err(error) => (None, Some(error.clone())),
    };
    let body = view
        .map(|view| String::from_utf8_lossy(&view.body.kept).into_owned())
        .unwrap_or_default();
    let told: Option<Value> = serde_json::from_str(&body).ok();
    let steps = timeline::steps(&timeline::Stamps {
        sent_us: began.0,
        took_us: micros(took),
        wires: &wires,
        trace: trace.as_ref(),
        told: told.as_ref(),
    });
    let logs = site.logs();
    Sent {
        status,
        trouble,
        told,
        body: excerpt(&body),
        took_us: micros(took),
        steps,
        wires,
        before,
        during,
        after,
        logs: vec![
            (gateway_name(site).to_owned(), logs[0].clone()),
            ("gateserve".to_owned(), logs[1].clone()),
        ],
        shown: site.shown().to_vec(),
    }
}

fn gateway_name(site: &Site) -> &'static str {
    match site.shown().first() {
        Some(shown) if shown.name == "nginx.conf" => "nginx",
        _ => "gateway",
    }
}

/// The octets of the request.
pub(super) fn request(host: &str, ask: &Ask, fields: &str) -> Vec<u8> {
    let Ask { method, rest, body } = ask;
    let length = match body.is_empty() {
        true => String::new(),
        false => format!("Content-Length: {}\r\n", body.len()),
    };
    let head =
        format!("{method} /app{rest} HTTP/1.1\r\nHost: {host}\r\n{fields}{length}\r\n{body}");
    head.into_bytes()
}

async fn play(site: &Site, ask: &Ask) -> Result<ClientView, String> {
    let octets = request(&site.listen.to_string(), ask, "Connection: close\r\n");
    let connected = Client::connect(site.listen, site.log.clone(), 0).await;
    let mut client = connected.map_err(|error| error.to_string())?;
    let script = Script {
        method: ask.method.clone(),
        actions: vec![Action::Send(octets)],
        within: WITHIN,
    };
    Ok(client.play(&script).await)
}

fn trouble(view: &ClientView) -> Option<String> {
    if let Some(why) = &view.malformed {
        return Some(why.clone());
    }
    match view.connection {
        Connection::Stalled => Some(format!("no whole reply within {} s", WITHIN.as_secs())),
        _ => None,
    }
}

/// The line that the server writes when the request has ended, which is after its reply.
async fn trace(site: &Site, before: usize) -> Option<Value> {
    let line = async {
        loop {
            if let Some(line) = site.traces().into_iter().nth(before) {
                return line;
            }
            sleep(Duration::from_millis(2)).await;
        }
    };
    timeout(TRACED_WITHIN, line).await.ok()
}

fn bursts(transcript: &Transcript, protocol: Model) -> Vec<Burst> {
    let start = transcript.began().map_or(0, clock::at_us);
    let mut bursts: Vec<Burst> = Vec::new();
    for entry in transcript.entries() {
        add(&mut bursts, entry, start);
    }
    for burst in &mut bursts {
        let model = match burst.leg {
            "client" => Model::Http,
            _ => protocol,
        };
        burst.octets = hex(&burst.raw);
        let direction = match burst.direction {
            "request" => Direction::Request,
            _ => Direction::Reply,
        };
        burst.fields = decode::fields(model, direction, &burst.raw);
    }
    bursts
}

fn add(bursts: &mut Vec<Burst>, entry: &Entry, start: u64) {
    let leg = match entry.leg {
        Leg::Client => "client",
        Leg::Upstream => "server",
    };
    let direction = match entry.way {
        Going::Request => "request",
        Going::Reply => "reply",
    };
    let (event, raw) = match &entry.happened {
        Happened::Opened => ("opens".to_owned(), Vec::new()),
        Happened::Ended => ("ends".to_owned(), Vec::new()),
        Happened::Broke(why) => (format!("breaks: {why}"), Vec::new()),
        Happened::Octets(octets) => (String::new(), octets.clone()),
    };
    if let Some(last) = bursts.last_mut()
        && event.is_empty()
        && last.event.is_empty()
        && (last.leg, last.direction, last.connection) == (leg, direction, entry.connection)
    {
        last.raw.extend(raw);
        return;
    }
    bursts.push(Burst {
        leg,
        connection: entry.connection,
        direction,
        at_us: start + micros(entry.at),
        event,
        octets: String::new(),
        fields: Vec::new(),
        raw,
    });
}

fn hex(octets: &[u8]) -> String {
    octets.iter().fold(String::new(), |mut text, octet| {
        // Writing to a String does not fail.
        let _ = write!(text, "{octet:02x}");
        text
    })
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// So much of a body that the page stays light.
fn excerpt(text: &str) -> String {
    match text.char_indices().nth(4000) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
