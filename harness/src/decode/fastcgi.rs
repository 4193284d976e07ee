//! FastCGI 1.0: a sequence of records, either way.

use super::{Field, cursor::Kind, cursor::cut, head, text, variable};

const S3_3: &str = "FastCGI 1.0 section 3.3";

const VERSION: Kind = Kind::new(
    "fastcgi.version",
    "version",
    "FCGI_VERSION_1. Another number here means that somebody speaks another protocol on this socket.",
    S3_3,
);
const TYPE: Kind = Kind::new(
    "fastcgi.type",
    "type",
    "What the record is for: begin, parameters, body, output, end.",
    S3_3,
);
const REQUEST_ID: Kind = Kind::new(
    "fastcgi.request-id",
    "requestId",
    "Which request of this connection the record belongs to; 0 is for management. A gateway that does not multiplex uses 1 for all.",
    S3_3,
);
const CONTENT_LENGTH: Kind = Kind::new(
    "fastcgi.content-length",
    "contentLength",
    "Octets of content, high octet first: at most 65535 in one record. 0 ends a stream.",
    S3_3,
);
const PADDING_LENGTH: Kind = Kind::new(
    "fastcgi.padding-length",
    "paddingLength",
    "Octets after the content that are to be skipped; they keep records aligned.",
    S3_3,
);
const RESERVED: Kind = Kind::new("fastcgi.reserved", "reserved", "Zero; not looked at.", S3_3);
const PADDING: Kind = Kind::new(
    "fastcgi.padding",
    "padding",
    "Skipped by whoever reads.",
    S3_3,
);
const ROLE: Kind = Kind::new(
    "fastcgi.role",
    "role",
    "1 is the responder: it answers a request as a CGI program does. 2 authorizer, 3 filter.",
    "FastCGI 1.0 section 5.1",
);
const FLAGS: Kind = Kind::new(
    "fastcgi.flags",
    "flags",
    "Bit 0, FCGI_KEEP_CONN: without it the application closes the connection after its reply.",
    "FastCGI 1.0 section 5.1",
);
const APP_STATUS: Kind = Kind::new(
    "fastcgi.app-status",
    "appStatus",
    "What a CGI program would have returned from exit().",
    "FastCGI 1.0 section 5.5",
);
const PROTOCOL_STATUS: Kind = Kind::new(
    "fastcgi.protocol-status",
    "protocolStatus",
    "0 request complete, 1 cannot multiplex, 2 overloaded, 3 unknown role.",
    "FastCGI 1.0 section 5.5",
);
const END_OF_STREAM: Kind = Kind::new(
    "fastcgi.end-of-stream",
    "end of stream",
    "A record without content ends its stream.",
    S3_3,
);
const STDIN: Kind = Kind::new(
    "fastcgi.stdin",
    "request body",
    "The body, as a CGI program reads it from standard input.",
    "FastCGI 1.0 section 5.3",
);
const STDERR: Kind = Kind::new(
    "fastcgi.stderr",
    "error output",
    "What the application wrote to its error stream; gateways put it in their error log.",
    "FastCGI 1.0 section 5.3",
);
const CONTENT: Kind = Kind::new("fastcgi.content", "content", "", S3_3);

const HEADER: usize = 8;

/// Names of record types, from 1.
const TYPES: [&str; 11] = [
    "FCGI_BEGIN_REQUEST",
    "FCGI_ABORT_REQUEST",
    "FCGI_END_REQUEST",
    "FCGI_PARAMS",
    "FCGI_STDIN",
    "FCGI_STDOUT",
    "FCGI_STDERR",
    "FCGI_DATA",
    "FCGI_GET_VALUES",
    "FCGI_GET_VALUES_RESULT",
    "FCGI_UNKNOWN_TYPE",
];

fn type_name(number: u8) -> &'static str {
    let index = usize::from(number).wrapping_sub(1);
    TYPES.get(index).copied().unwrap_or("unknown type")
}

/// What decoding remembers from record to record.
#[derive(Default)]
struct Streams {
    /// The beginning of a name-value pair whose rest is in the next record.
    rest: Vec<u8>,
    /// The head of the reply has been seen.
    has_head: bool,
}

/// Every record.
pub(super) fn fields(octets: &[u8]) -> Vec<Field> {
    let mut streams = Streams::default();
    let (mut at, mut fields) = (0, Vec::new());
    while at < octets.len() {
        let rest = &octets[at..];
        if rest.len() < HEADER {
            fields.push(cut(at, rest, "record", HEADER));
            break;
        }
        if rest[0] != 1 {
            fields.push(foreign(at, rest));
            break;
        }
        let whole = HEADER + usize::from(length(rest)) + usize::from(rest[6]);
        if rest.len() < whole {
            let mut field = cut(at, rest, type_name(rest[1]), whole);
            field.parts = header(at, rest);
            fields.push(field);
            break;
        }
        fields.push(record(at, &rest[..whole], &mut streams));
        at += whole;
    }
    fields
}

/// Octets that begin no record of this version.
fn foreign(at: usize, rest: &[u8]) -> Field {
    let version = rest[0];
    let hint = match version {
        b'A'..=b'Z' | b'a'..=b'z' => {
            "; that is a letter: somebody may speak HTTP, or output came before the records"
        }
        0 => "; a uwsgi packet begins so",
        _ => "",
    };
    Field {
        warning: Some(format!(
            "no record of version 1: its first octet is {version}{hint}"
        )),
        ..CONTENT.text(at, rest)
    }
}

fn length(record: &[u8]) -> u16 {
    u16::from_be_bytes([record[4], record[5]])
}

fn header(at: usize, record: &[u8]) -> Vec<Field> {
    let id = u16::from_be_bytes([record[2], record[3]]);
    let kind = format!("{} {}", record[1], type_name(record[1]));
    vec![
        VERSION.at(at, at + 1, record[0].to_string()),
        TYPE.at(at + 1, at + 2, kind),
        REQUEST_ID.at(at + 2, at + 4, id.to_string()),
        CONTENT_LENGTH.at(at + 4, at + 6, length(record).to_string()),
        PADDING_LENGTH.at(at + 6, at + 7, record[6].to_string()),
        RESERVED.at(at + 7, at + 8, record[7].to_string()),
    ]
}

fn record(at: usize, record: &[u8], streams: &mut Streams) -> Field {
    let content = &record[HEADER..HEADER + usize::from(length(record))];
    let begin = at + HEADER;
    let mut parts = header(at, record);
    parts.extend(contents(record[1], begin, content, streams));
    let padding = begin + content.len();
    if at + record.len() > padding {
        let octets = at + record.len() - padding;
        parts.push(PADDING.at(padding, at + record.len(), format!("{octets} octets")));
    }
    let id = u16::from_be_bytes([record[2], record[3]]);
    Field {
        from: at,
        to: at + record.len(),
        key: "fastcgi.record",
        name: type_name(record[1]).to_owned(),
        value: format!("request {id}, {} octets", content.len()),
        note: "A record: eight octets of header, content, padding.",
        section: S3_3,
        parts,
        ..Field::default()
    }
}

fn contents(kind: u8, at: usize, content: &[u8], streams: &mut Streams) -> Vec<Field> {
    match kind {
        1 if content.len() >= 8 => begin_request(at, content),
        3 if content.len() >= 8 => end_request(at, content),
        4..=8 if content.is_empty() => vec![END_OF_STREAM.at(at, at, "")],
        4 => pairs(at, content, &mut streams.rest),
        5 => vec![STDIN.text(at, content)],
        6 if !std::mem::replace(&mut streams.has_head, true) => head::output(content, at),
        6 => vec![head::BODY.text(at, content)],
        7 => vec![STDERR.text(at, content)],
        9 | 10 => pairs(at, content, &mut Vec::new()),
        _ if content.is_empty() => Vec::new(),
        _ => vec![CONTENT.text(at, content)],
    }
}

fn begin_request(at: usize, content: &[u8]) -> Vec<Field> {
    let role = u16::from_be_bytes([content[0], content[1]]);
    let name = match role {
        1 => "FCGI_RESPONDER",
        2 => "FCGI_AUTHORIZER",
        3 => "FCGI_FILTER",
        _ => "unknown role",
    };
    let keep = match content[2] & 1 {
        0 => "close after the reply",
        _ => "FCGI_KEEP_CONN",
    };
    vec![
        ROLE.at(at, at + 2, format!("{role} {name}")),
        FLAGS.at(at + 2, at + 3, format!("{} {keep}", content[2])),
        RESERVED.at(at + 3, at + content.len(), ""),
    ]
}

fn end_request(at: usize, content: &[u8]) -> Vec<Field> {
    let status = u32::from_be_bytes([content[0], content[1], content[2], content[3]]);
    let name = match content[4] {
        0 => "FCGI_REQUEST_COMPLETE",
        1 => "FCGI_CANT_MPX_CONN",
        2 => "FCGI_OVERLOADED",
        3 => "FCGI_UNKNOWN_ROLE",
        _ => "unknown status",
    };
    vec![
        APP_STATUS.at(at, at + 4, status.to_string()),
        PROTOCOL_STATUS.at(at + 4, at + 5, format!("{} {name}", content[4])),
        RESERVED.at(at + 5, at + content.len(), ""),
    ]
}

/// Name-value pairs. One that does not end in this record is shown in the one where it does.
fn pairs(at: usize, content: &[u8], rest: &mut Vec<u8>) -> Vec<Field> {
    let carried = rest.len();
    let mut octets = std::mem::take(rest);
    octets.extend_from_slice(content);
    // A place in `octets` as a place on the wire.
    let place = |offset: usize| at + offset.saturating_sub(carried);
    let (mut from, mut fields) = (0, Vec::new());
    while from < octets.len() {
        let Some((name, value, to)) = pair(&octets, from) else {
            *rest = octets[from..].to_vec();
            let kept = text(&octets[from..]);
            if place(octets.len()) > place(from) {
                fields.push(SPLIT.at(place(from), place(octets.len()), kept));
            }
            break;
        };
        fields.push(variable::field(place(from), place(to), name, value));
        from = to;
    }
    fields
}

const SPLIT: Kind = Kind::new(
    "fastcgi.split-pair",
    "pair, continued",
    "A stream may be cut into records anywhere: this pair ends in the next one.",
    "FastCGI 1.0 section 3.4",
);

/// Name, value and end of the pair that begins at `from`, if it is whole.
fn pair(octets: &[u8], from: usize) -> Option<(&[u8], &[u8], usize)> {
    let (name, at) = size(octets, from)?;
    let (value, at) = size(octets, at)?;
    let middle = at.checked_add(name)?;
    let to = middle.checked_add(value)?;
    Some((octets.get(at..middle)?, octets.get(middle..to)?, to))
}

/// A length of one octet, or of four where the first bit is set.
fn size(octets: &[u8], at: usize) -> Option<(usize, usize)> {
    let first = *octets.get(at)?;
    if first < 0x80 {
        return Some((usize::from(first), at + 1));
    }
    let four: [u8; 4] = octets.get(at..at + 4)?.try_into().ok()?;
    let length = u32::from_be_bytes(four) & 0x7fff_ffff;
    Some((usize::try_from(length).ok()?, at + 4))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::testing::{assert_sound, lines};

    const REQUEST: &[u8] = b"\x01\x01\x00\x01\x00\x08\x00\x00\x00\x01\x01\x00\x00\x00\x00\x00\
        \x01\x04\x00\x01\x00\x19\x05\x00\x0b\x02SERVER_PORT80\x0b\x02SCRIPT_N\0\0\0\0\0\
        \x01\x04\x00\x01\x00\x05\x00\x00AME/p\
        \x01\x04\x00\x01\x00\x00\x00\x00\x01\x05\x00\x01\x00\x00\x00\x00";

    #[test]
    fn a_request_is_told_record_by_record_and_a_split_pair_where_it_ends() {
        let fields = fields(REQUEST);
        assert_sound(&fields, 0, REQUEST.len());
        insta::assert_snapshot!(lines(&fields));
    }

    #[test]
    fn a_reply_has_the_head_of_a_program_and_an_end() {
        let reply = b"\x01\x06\x00\x01\x00\x20\x02\x00Status: 404 Not Found\r\n\r\nno page\
            \0\0\x01\x03\x00\x01\x00\x08\x00\x00\x00\x00\x00\x07\x00\x00\x00\x00";
        let fields = fields(reply);
        assert_sound(&fields, 0, reply.len());
        insta::assert_snapshot!(lines(&fields));
    }

    #[test]
    fn text_on_the_wire_is_told_for_what_it_is() {
        let fields = fields(b"HTTP/1.1 400 Bad Request\r\n");
        assert!(
            fields[0]
                .warning
                .as_deref()
                .unwrap()
                .contains("72; that is a letter")
        );
    }

    #[test]
    fn a_record_that_is_cut_off_says_how_much_is_missing() {
        let fields = fields(&REQUEST[..20]);
        let warning = fields[1].warning.as_deref();
        assert_eq!(warning, Some("cut off: 4 of 8 octets are there"));
    }
}
