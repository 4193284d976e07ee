//! What the tests of this folder share: scenarios from a few lines, evidence of a good reply.

use super::{
    Catalogue, Place, Scenario,
    catalogue::{FAULTS, parse},
    content::digest,
    error::ScenarioError,
    source::{Source, embedded},
};
use crate::witness::{BodyView, ClientView, Evidence, ProbeBody, ProbeReport};

/// The program's requirements and faults, and one file of scenarios.
pub(super) fn catalogue(path: &str, text: &str) -> Result<Catalogue, ScenarioError> {
    let mut sources: Vec<Source> = embedded();
    sources
        .retain(|source| source.is_in("requirements") || source.is_in(FAULTS) || source.is_apps());
    sources.push(Source {
        path: path.to_owned(),
        text: text.to_owned(),
    });
    parse(&sources)
}

/// A scenario that expects what `lines` say.
pub(crate) fn scenario(lines: &str) -> Scenario {
    levelled("recommended", lines)
}

/// The same at a level.
pub(super) fn levelled(level: &str, lines: &str) -> Scenario {
    let text = format!(
        "spec = 's'\n[[scenario]]\nname = 'n'\nlevel = '{level}'\nsays = 'It holds.'\n\
         requirements = ['CGI-DF-HTTPOXY']\nfaults = ['gateway/httpoxy']\n{lines}"
    );
    let catalogue = catalogue("cgi/t.toml", &text).unwrap_or_else(|error| panic!("{error}"));
    catalogue.scenarios.into_iter().next().unwrap()
}

/// Where the tests mount the probe.
pub(super) fn place() -> Place {
    Place::new("/probe", "127.0.0.1:8080")
}

/// A body that was kept whole.
pub(super) fn body(octets: &[u8]) -> BodyView {
    BodyView {
        size: octets.len() as u64,
        sha256: digest([octets.to_vec()]),
        kept: octets.to_vec(),
    }
}

/// A reply with this status and body.
pub(super) fn reply(status: u16, reason: &str, octets: &[u8]) -> Evidence {
    Evidence {
        client: ClientView {
            status: Some(status),
            reason: reason.to_owned(),
            body: body(octets),
            ..ClientView::default()
        },
        ..Evidence::default()
    }
}

/// The probe's report of these variables and this request body.
pub(super) fn report(environ: &[(&str, &str)], octets: &[u8]) -> Evidence {
    let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let report = ProbeReport {
        probe: 1,
        language: "rust".to_owned(),
        interface: "cgi".to_owned(),
        pid: 7,
        environ: environ.iter().map(pair).collect(),
        body: ProbeBody {
            size: octets.len() as u64,
            sha256: digest([octets.to_vec()]),
            error: None,
        },
        argv: Some(vec!["probe".to_owned()]),
        cwd: Some("/srv".to_owned()),
    };
    Evidence {
        application: Some(report),
        ..reply(200, "OK", b"{\"probe\":1}")
    }
}
