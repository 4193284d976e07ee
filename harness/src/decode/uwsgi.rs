//! The uwsgi protocol: one packet of variables, then the body as it is.

use super::{Field, cursor::Kind, cursor::cut, head, text, variable};

const PACKET: &str = "The uwsgi protocol, packet header";

const MODIFIER1: Kind = Kind::new(
    "uwsgi.modifier1",
    "modifier1",
    "Who shall handle the packet: 0 is a request with WSGI variables.",
    PACKET,
);
const DATASIZE: Kind = Kind::new(
    "uwsgi.datasize",
    "datasize",
    "Octets of variables, low octet first, at most 65535. A text such as `GET ` read as a packet gives the famous 21573.",
    PACKET,
);
const MODIFIER2: Kind = Kind::new(
    "uwsgi.modifier2",
    "modifier2",
    "A detail for whoever handles it; 0 for a request.",
    PACKET,
);

const HEADER: usize = 4;

/// The packet and what follows it.
pub(super) fn fields(octets: &[u8]) -> Vec<Field> {
    if octets.is_empty() {
        return Vec::new();
    }
    if octets.len() < HEADER {
        return vec![cut(0, octets, "packet header", HEADER)];
    }
    let size = usize::from(u16::from_le_bytes([octets[1], octets[2]]));
    let end = HEADER + size;
    let mut header = vec![
        MODIFIER1.at(0, 1, octets[0].to_string()),
        DATASIZE.at(1, 3, size.to_string()),
        MODIFIER2.at(3, 4, octets[3].to_string()),
    ];
    let there = end.min(octets.len());
    header.extend(variables(&octets[..there], HEADER));
    let warning = match octets[..HEADER].is_ascii() && octets[0].is_ascii_uppercase() {
        true => Some(format!(
            "this is text (`{}`): somebody speaks HTTP to a uwsgi socket",
            text(&octets[..octets.len().min(16)])
        )),
        false if there < end => Some(format!("cut off: {there} of {end} octets are there")),
        false => None,
    };
    let mut fields = vec![Field {
        from: 0,
        to: there,
        key: "uwsgi.packet",
        name: "uwsgi packet".to_owned(),
        value: format!("{size} octets of variables"),
        note: "Four octets of header, then variables; everything after that is the request body.",
        section: PACKET,
        warning,
        parts: header,
    }];
    if octets.len() > end {
        fields.push(head::REQUEST_BODY.text(end, &octets[end..]));
    }
    fields
}

/// Each variable: a length of two octets, low octet first, and so many octets; name, then value.
fn variables(octets: &[u8], mut at: usize) -> Vec<Field> {
    let mut fields = Vec::new();
    while at < octets.len() {
        let Some((name, value, to)) = variable(octets, at) else {
            fields.push(Field {
                warning: Some("no whole variable: a length leads past the end".to_owned()),
                ..BROKEN.text(at, &octets[at..])
            });
            break;
        };
        fields.push(variable::field(at, to, name, value));
        at = to;
    }
    fields
}

const BROKEN: Kind = Kind::new("uwsgi.broken-variable", "variable", "", PACKET);

fn variable(octets: &[u8], at: usize) -> Option<(&[u8], &[u8], usize)> {
    let (name, at) = string(octets, at)?;
    let (value, at) = string(octets, at)?;
    Some((name, value, at))
}

fn string(octets: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let size: [u8; 2] = octets.get(at..at + 2)?.try_into().ok()?;
    let (from, size) = (at + 2, usize::from(u16::from_le_bytes(size)));
    Some((octets.get(from..from + size)?, from + size))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::testing::{assert_sound, lines};

    #[test]
    fn a_packet_is_told_variable_by_variable_and_the_body_after_it() {
        let octets = b"\0\x1f\0\0\x0e\0REQUEST_METHOD\x04\0POST\x04\0NAME\x01\0xbody";
        let fields = fields(octets);
        assert_sound(&fields, 0, octets.len());
        insta::assert_snapshot!(lines(&fields));
    }

    #[test]
    fn http_on_a_uwsgi_socket_is_told_with_the_number_that_logs_show() {
        let fields = fields(b"GET / HTTP/1.1\r\n\r\n");
        assert_eq!(fields[0].parts[1].value, "21573");
        assert!(
            fields[0]
                .warning
                .as_deref()
                .unwrap()
                .contains("speaks HTTP")
        );
    }
}
