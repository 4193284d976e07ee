//! The Script-URI: the URI of a script as its meta-variables tell it (RFC 3875 section 3.3).

use std::fmt::Write;

use super::{
    expect::{Mismatch, value::quote_or_absent},
    text::Text,
};
use crate::{outcome::Witness, witness::ProbeReport};

/// What must be the same when the Script-URI is asked for.
const VARIABLES: [&str; 3] = ["SCRIPT_NAME", "PATH_INFO", "QUERY_STRING"];

/// Octets of a path that stand for themselves beside letters and digits: `;`, `=` and `?` do not.
const PLAIN: &[u8] = b"-_.!~*'()/:@&+$,";

/// Path and query of the Script-URI, as a request target.
pub(super) fn target(seen: &ProbeReport) -> Text {
    let [script, path, query] = VARIABLES.map(|name| seen.variable(name).unwrap_or_default());
    let mut target = String::new();
    for octet in script.chars().chain(path.chars()).map(|c| c as u8) {
        let is_plain = octet.is_ascii_alphanumeric() || PLAIN.contains(&octet);
        let written = match is_plain {
            true => write!(target, "{}", char::from(octet)),
            false => write!(target, "%{octet:02X}"),
        };
        written.expect("a string takes everything");
    }
    if !query.is_empty() {
        target.extend(["?", query]);
    }
    Text::plain(target)
}

/// The first of the variables that the two requests do not share: a missing one is a void one.
pub(super) fn unlike(first: &ProbeReport, again: Option<&ProbeReport>) -> Option<Mismatch> {
    let told = |what: &str, expected: String, actual: String| {
        let what = format!("next_request.application{what}");
        Mismatch::new(Witness::NextRequest, what, expected, actual)
    };
    let Some(again) = again else {
        let expected = "the probe's report, as to the first request".to_owned();
        return Some(told("", expected, "another answer".to_owned()));
    };
    let value = |report: &ProbeReport, name: &str| {
        let value = report.variable(name).filter(|value| !value.is_empty());
        quote_or_absent(value)
    };
    let differs = |name: &&&str| value(first, name) != value(again, name);
    let name = VARIABLES.iter().find(differs)?;
    Some(told(
        &format!(".{name}"),
        value(first, name),
        value(again, name),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{scenario::Place, witness::ProbeBody};

    fn report(script: &str, path: &str, query: &str) -> ProbeReport {
        let pairs = VARIABLES.iter().zip([script, path, query]);
        ProbeReport {
            probe: 1,
            language: "rust".to_owned(),
            interface: "cgi".to_owned(),
            pid: 1,
            environ: pairs
                .map(|(name, value)| ((*name).to_owned(), value.to_owned()))
                .collect(),
            body: ProbeBody {
                size: 0,
                sha256: String::new(),
                error: None,
            },
            argv: None,
            cwd: None,
        }
    }

    #[test]
    fn what_means_something_in_a_uri_is_escaped() {
        let seen = report("/cgi-bin/probe", "/a;b=c?d%+\u{e9}{app}", "x=%20");
        let target = target(&seen).at(&Place::new("/app", "host"));
        assert_eq!(target, "/cgi-bin/probe/a%3Bb%3Dc%3Fd%25+%E9%7Bapp%7D?x=%20");
    }

    #[test]
    fn another_variable_is_told() {
        let (first, again) = (report("/a", "/b", ""), report("/a", "/c", ""));
        let unlike = unlike(&first, Some(&again)).unwrap();
        assert_eq!(unlike.what, "next_request.application.PATH_INFO");
    }

    #[test]
    fn the_same_variables_are_fine_and_a_refusal_is_not() {
        let first = report("/a", "", "q");
        assert_eq!(unlike(&first, Some(&first)), None);
        assert!(unlike(&first, None).is_some());
    }
}
