//! Header fields: what a CGI program writes, and the lines of HTTP.

use super::{Field, cursor::Kind, text};

pub(super) const BODY: Kind = Kind::new(
    "body",
    "response body",
    "Goes to the client as it is.",
    "RFC 3875 section 6.4",
);
pub(super) const REQUEST_BODY: Kind = Kind::new(
    "request-body",
    "request body",
    "So many octets as CONTENT_LENGTH says.",
    "RFC 3875 section 4.2",
);
const BLANK: Kind = Kind::new(
    "head.end",
    "empty line",
    "Ends the head.",
    "RFC 3875 section 6.2",
);
const LINE: Kind = Kind::new("head.line", "line", "", "");

/// What the fields of a program's output are for.
const KNOWN: [(&str, &str, &str); 6] = [
    (
        "Status",
        "The status for the client; 200 without it.",
        "RFC 3875 section 6.3.3",
    ),
    (
        "Content-Type",
        "The type of the body; required where there is one.",
        "RFC 3875 section 6.3.1",
    ),
    (
        "Location",
        "A path is answered by the server itself, a URL is a redirect for the client.",
        "RFC 3875 section 6.3.2",
    ),
    (
        "Content-Length",
        "Octets of the body.",
        "RFC 9110 section 8.6",
    ),
    (
        "Connection",
        "What becomes of this connection; it is for the next hop only.",
        "RFC 9110 section 7.6.1",
    ),
    (
        "Transfer-Encoding",
        "How the body is framed; it is for the next hop only.",
        "RFC 9112 section 6.1",
    ),
];

/// A program's output: a head, an empty line, a body.
pub(super) fn output(octets: &[u8], at: usize) -> Vec<Field> {
    if octets.is_empty() {
        return Vec::new();
    }
    let (mut fields, body, ended) = lines(octets, at);
    if !ended && let Some(last) = fields.last_mut() {
        last.warning = Some("the head does not end here".to_owned());
    }
    if body < octets.len() {
        fields.push(BODY.text(at + body, &octets[body..]));
    }
    fields
}

/// The lines of a head, where its body begins, and whether the head ends.
pub(super) fn lines(octets: &[u8], at: usize) -> (Vec<Field>, usize, bool) {
    let (mut from, mut fields) = (0, Vec::new());
    while let Some(length) = octets[from..].iter().position(|&octet| octet == b'\n') {
        let to = from + length + 1;
        let line = octets[from..to].strip_suffix(b"\n").unwrap_or_default();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            fields.push(BLANK.at(at + from, at + to, ""));
            return (fields, to, true);
        }
        fields.push(line_field(line, at + from, at + to));
        from = to;
    }
    if from < octets.len() {
        fields.push(LINE.text(at + from, &octets[from..]));
    }
    (fields, octets.len(), false)
}

fn line_field(line: &[u8], from: usize, to: usize) -> Field {
    let colon = line.iter().position(|&octet| octet == b':');
    let Some(colon) = colon else {
        return Field {
            warning: Some("no header field: there is no colon".to_owned()),
            ..LINE.at(from, to, text(line))
        };
    };
    let name = text(&line[..colon]);
    let value = text(line[colon + 1..].trim_ascii());
    let known = KNOWN
        .iter()
        .find(|(known, ..)| known.eq_ignore_ascii_case(&name));
    let (note, section) = known.map_or(("", ""), |&(_, note, section)| (note, section));
    Field {
        from,
        to,
        key: "head.field",
        name,
        value,
        note,
        section,
        ..Field::default()
    }
}
