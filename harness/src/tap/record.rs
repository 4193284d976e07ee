//! Captured exchanges as scenarios that `gatebench check --scenarios DIR` plays again.

use std::{fmt::Write, fs, path::Path};

use anyhow::{Context, ensure};

use super::{Ending, Exchange};
use crate::{
    model::Model,
    scenario::{Catalogue, load_embedded},
};

/// What is kept of one exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Captured {
    /// What was spoken.
    pub protocol: Model,
    /// What the gateway sent, all of it.
    pub request: Option<Vec<u8>>,
    /// What came back, all of it.
    pub reply: Option<Vec<u8>>,
    /// What was asked, for people.
    pub name: String,
    /// What the client was told.
    pub status: Option<u16>,
}

impl Captured {
    /// What can be played again of an exchange; `None` where it is not known whole.
    pub fn of(exchange: &Exchange) -> Option<Self> {
        let is_kept = |half: &super::exchange::Half| half.octets == half.raw.len() as u64;
        let whole =
            is_kept(&exchange.request) && !exchange.incomplete && exchange.request.octets > 0;
        let protocol = exchange.protocol.filter(|_| whole)?;
        let replied = is_kept(&exchange.reply) && exchange.ending == Ending::Complete;
        Some(Self {
            protocol,
            request: Some(exchange.request.raw.clone()),
            reply: replied.then(|| exchange.reply.raw.clone()),
            name: format!("{} {}", exchange.method, exchange.uri),
            status: exchange
                .status
                .filter(|_| exchange.ending == Ending::Complete),
        })
    }
}

/// A rule that every reply must keep and a fault that breaks it, for each protocol.
fn cited(protocol: Model) -> (&'static str, &'static str) {
    match protocol {
        Model::Uwsgi => ("UWSGI-BODY-LENGTH", "backend/body-from-next-read"),
        Model::Scgi => ("SCGI-3-BODY-APP", "backend/body-from-next-read"),
        Model::Http => ("RFC9112-9.3.2-ORDER", "backend/http-drops-pipelined"),
        _ => ("FCGI-5.5-END-ONCE", "backend/ends-twice"),
    }
}

/// Writes a file of scenarios and says how to play them.
///
/// # Errors
/// The file cannot be written, its name is no part of an id, or nothing was captured whole.
pub fn write(file: &Path, captured: &[Captured]) -> anyhow::Result<()> {
    let stem = file
        .file_stem()
        .and_then(|stem| stem.to_str())
        .unwrap_or_default();
    let is_slug = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    ensure!(
        !stem.is_empty()
            && stem.chars().all(is_slug)
            && file.extension().is_some_and(|it| it == "toml"),
        "{} begins the ids of scenarios: name it with small letters, digits and hyphens, and .toml",
        file.display()
    );
    ensure!(
        !captured.is_empty(),
        "nothing was captured whole, so {} is not written",
        file.display()
    );
    let folder = file.parent().unwrap_or_else(|| Path::new(""));
    let root = folder.parent().unwrap_or_else(|| Path::new(""));
    ensure!(
        !root.as_os_str().is_empty(),
        "scenarios lie in a folder of a folder: write {0} as cases/recorded/{0}",
        file.display()
    );
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let text = text(captured, &load_embedded()?);
    fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))?;
    anstream::eprintln!(
        "gatebench: wrote {}; play it with gatebench check --scenarios {} --backend-at ADDRESS --app none",
        file.display(),
        root.display()
    );
    Ok(())
}

/// The file's text.
pub fn text(captured: &[Captured], catalogue: &Catalogue) -> String {
    let mut text = "# Captured traffic; plays again with gatebench check --scenarios DIR.\n\
                    spec = \"captured traffic\"\n"
        .to_owned();
    for (nth, one) in captured.iter().enumerate() {
        if let Some(request) = &one.request {
            backend(&mut text, nth + 1, one, request, catalogue);
        }
        if let Some(reply) = &one.reply {
            gateway(&mut text, nth + 1, one, reply);
        }
    }
    text
}

/// The request again, to an application server.
fn backend(text: &mut String, nth: usize, one: &Captured, request: &[u8], catalogue: &Catalogue) {
    let (rule, fault) = cited(one.protocol);
    let level = match one.status {
        Some(_) => catalogue.requirements.allow(&[rule.to_owned()]).word(),
        None => "observed",
    };
    let says = match one.status {
        Some(status) => format!(
            "{} is answered with {status}, as when it was captured.",
            one.name
        ),
        None => format!(
            "What {} is answered with; there was no whole reply.",
            one.name
        ),
    };
    let _ = write!(
        text,
        "\n[[scenario]]\nname = \"request-{nth}\"\nrequirements = [{rule:?}]\nlevel = {level:?}\n\
         says = {}\nfaults = [{fault:?}]\nmodels = [\"{}\"]\nsteps = [\n  {{ send = {{ hex = \"{}\" }} }},\n",
        quoted(&says),
        one.protocol,
        hex(request)
    );
    let id = match (one.protocol, request) {
        (Model::FastCgi, [_, _, high, low, ..]) => {
            format!("id = {}, ", u16::from_be_bytes([*high, *low]))
        }
        _ => String::new(),
    };
    let step = match one.status {
        Some(status) => {
            format!("{{ expect = {{ response = {{ {id}status = {status} }} }}, within = \"30s\" }}")
        }
        None => "{ settle = \"10s\" }".to_owned(),
    };
    let _ = write!(
        text,
        "  {step},\n]\nobserve = [\"response.status\", \"connection\"]\n"
    );
}

/// The reply again, to a gateway.
fn gateway(text: &mut String, nth: usize, one: &Captured, reply: &[u8]) {
    let _ = write!(
        text,
        "\n[[scenario]]\nname = \"reply-{nth}\"\nrequirements = [\"CGI-6.4-READ-ALL\"]\nlevel = \"observed\"\n\
         says = {}\nfaults = [\"gateway/reply-ends-at-pause\"]\nmodels = [\"{}\"]\nrequest = {{ target = \"{{app}}/\" }}\n\
         reply = [{{ hex = \"{}\" }}]\nobserve = [\"client.status\", \"client.body.size\", \"client.connection\"]\n",
        quoted(&format!("What a client gets of the reply to {}.", one.name)),
        one.protocol,
        hex(reply)
    );
}

/// A TOML string on one line.
fn quoted(text: &str) -> String {
    let plain: String = text
        .chars()
        .map(|c| {
            if c.is_control() || c == '{' || c == '}' {
                '?'
            } else {
                c
            }
        })
        .collect();
    toml::Value::String(plain).to_string()
}

fn hex(octets: &[u8]) -> String {
    octets.iter().fold(
        String::with_capacity(octets.len() * 2),
        |mut text, octet| {
            let _ = write!(text, "{octet:02x}");
            text
        },
    )
}
