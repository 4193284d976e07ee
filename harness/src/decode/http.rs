//! HTTP/1.x: a first line, fields, a body.

use super::{Direction, Field, cursor::Kind, head, text};

const REQUEST_LINE: Kind = Kind::new(
    "http.request-line",
    "request line",
    "Method, target and version.",
    "RFC 9112 section 3",
);
const STATUS_LINE: Kind = Kind::new(
    "http.status-line",
    "status line",
    "Version, status and reason.",
    "RFC 9112 section 4",
);

/// The messages that begin the octets; interim replies come before the final one.
pub(super) fn fields(octets: &[u8], direction: Direction) -> Vec<Field> {
    let Some(end) = octets.iter().position(|&octet| octet == b'\n') else {
        return match octets.is_empty() {
            true => Vec::new(),
            false => vec![first(octets, 0, octets.len(), direction)],
        };
    };
    // A server may answer uwsgi as a CGI program does, without a status line.
    let line = octets[..end].strip_suffix(b"\r").unwrap_or(&octets[..end]);
    if direction == Direction::Reply && !line.starts_with(b"HTTP/") {
        return head::output(octets, 0);
    }
    let mut fields = vec![first(line, 0, end + 1, direction)];
    let (lines, body, _) = head::lines(&octets[end + 1..], end + 1);
    fields.extend(lines);
    let body = end + 1 + body;
    if body < octets.len() {
        let kind = match direction {
            Direction::Request => head::REQUEST_BODY,
            Direction::Reply => head::BODY,
        };
        fields.push(kind.text(body, &octets[body..]));
    }
    fields
}

fn first(line: &[u8], from: usize, to: usize, direction: Direction) -> Field {
    let kind = match direction {
        Direction::Request => REQUEST_LINE,
        Direction::Reply => STATUS_LINE,
    };
    let is_http = match direction {
        Direction::Request => line.windows(6).any(|word| word == b" HTTP/"),
        Direction::Reply => line.starts_with(b"HTTP/"),
    };
    Field {
        warning: (!is_http).then(|| "this is not HTTP".to_owned()),
        ..kind.at(from, to, text(line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::testing::{assert_sound, lines};

    #[test]
    fn a_reply_is_told_line_by_line() {
        let octets = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX\r\n\r\nhi";
        let fields = fields(octets, Direction::Reply);
        assert_sound(&fields, 0, octets.len());
        insta::assert_snapshot!(lines(&fields));
    }
}
