//! SCGI: a netstring of headers, then the body as it is.

use super::{Field, cursor::Kind, cursor::cut, head, variable};

const SPEC: &str = "SCGI, protocol of a request";

const LENGTH: Kind = Kind::new(
    "scgi.length",
    "length",
    "Octets of the headers, in decimal digits, then a colon: a netstring.",
    SPEC,
);
const COMMA: Kind = Kind::new("scgi.comma", "comma", "Ends the netstring.", SPEC);

/// The netstring and what follows it.
pub(super) fn fields(octets: &[u8]) -> Vec<Field> {
    if octets.is_empty() {
        return Vec::new();
    }
    let digits = octets
        .iter()
        .take_while(|octet| octet.is_ascii_digit())
        .count();
    let size = std::str::from_utf8(&octets[..digits])
        .ok()
        .and_then(|it| it.parse::<usize>().ok());
    let colon = octets.get(digits) == Some(&b':');
    let (Some(size), true) = (size.filter(|size| *size < 1 << 30), colon) else {
        return vec![Field {
            warning: Some("no netstring: digits and a colon were expected".to_owned()),
            ..LENGTH.text(0, octets)
        }];
    };
    let from = digits + 1;
    let end = from + size;
    let mut parts = vec![LENGTH.at(0, from, size.to_string())];
    parts.extend(headers(&octets[..end.min(octets.len())], from));
    if octets.len() <= end {
        let mut whole = cut(0, octets, "headers", end + 1);
        whole.parts = parts;
        return vec![whole];
    }
    let comma = COMMA.text(end, &octets[end..=end]);
    parts.push(Field {
        warning: (octets[end] != b',').then(|| "a comma was expected".to_owned()),
        ..comma
    });
    let mut fields = vec![Field {
        from: 0,
        to: end + 1,
        key: "scgi.headers",
        name: "SCGI headers".to_owned(),
        value: format!("{size} octets"),
        note: "Names and values, each ended by a NUL; CONTENT_LENGTH must come first.",
        section: SPEC,
        parts,
        ..Field::default()
    }];
    if octets.len() > end + 1 {
        fields.push(head::REQUEST_BODY.text(end + 1, &octets[end + 1..]));
    }
    fields
}

fn headers(octets: &[u8], mut at: usize) -> Vec<Field> {
    let mut fields = Vec::new();
    while at < octets.len() {
        let mut parts = octets[at..].splitn(3, |&octet| octet == 0);
        let (Some(name), Some(value), Some(_)) = (parts.next(), parts.next(), parts.next()) else {
            fields.push(cut(at, &octets[at..], "header", octets.len() - at + 1));
            break;
        };
        let to = at + name.len() + value.len() + 2;
        fields.push(variable::field(at, to, name, value));
        at = to;
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::testing::{assert_sound, lines};

    #[test]
    fn a_request_is_told_header_by_header() {
        let octets = b"24:CONTENT_LENGTH\x002\0SCGI\x001\0,hi";
        let fields = fields(octets);
        assert_sound(&fields, 0, octets.len());
        insta::assert_snapshot!(lines(&fields));
    }

    #[test]
    fn something_else_is_no_netstring() {
        assert!(fields(b"GET / HTTP/1.1")[0].warning.is_some());
    }
}
