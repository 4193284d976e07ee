//! A transcript as text: one block per burst, FastCGI records and uwsgi vars field by field.

use std::fmt::Write as _;

use bytes::{Bytes, BytesMut};
use wire::{environ::Environ, fastcgi, scgi, uwsgi};

use super::{Entry, Happened, Leg, Way};
use crate::model::Model;

/// How many octets of a body or value are shown.
const SHOWN: usize = 400;

/// Consecutive octets of one connection and direction read as one burst.
struct Burst {
    entry: Entry,
    octets: Vec<u8>,
}

/// All entries as text.
pub(super) fn entries(entries: &[Entry], model: Option<Model>) -> String {
    let mut text = String::new();
    for burst in bursts(entries) {
        heading(&mut text, &burst.entry);
        match &burst.entry.happened {
            Happened::Opened => text.push_str(" opens\n"),
            Happened::Ended => text.push_str(" ends its side\n"),
            Happened::Broke(why) => writeln!(text, " breaks: {why}").expect("a String takes all"),
            Happened::Octets(_) => {
                writeln!(text, " ({} octets)", burst.octets.len()).expect("a String takes all");
                body(&mut text, &burst, model);
            }
        }
    }
    text
}

fn bursts(entries: &[Entry]) -> Vec<Burst> {
    let mut bursts: Vec<Burst> = Vec::new();
    for entry in entries {
        let octets = if let Happened::Octets(octets) = &entry.happened {
            octets.as_slice()
        } else {
            &[]
        };
        match bursts.last_mut() {
            Some(last) if continues(&last.entry, entry) => last.octets.extend_from_slice(octets),
            _ => bursts.push(Burst {
                entry: entry.clone(),
                octets: octets.to_vec(),
            }),
        }
    }
    bursts
}

fn continues(last: &Entry, next: &Entry) -> bool {
    let both_octets = matches!(
        (&last.happened, &next.happened),
        (Happened::Octets(_), Happened::Octets(_))
    );
    both_octets && (last.leg, last.connection, last.way) == (next.leg, next.connection, next.way)
}

fn heading(text: &mut String, entry: &Entry) {
    let way = match (entry.leg, entry.way) {
        (Leg::Client, Way::Request) => "client -> gateway",
        (Leg::Client, Way::Reply) => "gateway -> client",
        (Leg::Upstream, Way::Request) => "gateway -> backend",
        (Leg::Upstream, Way::Reply) => "backend -> gateway",
    };
    let at = entry.at.as_secs_f64() * 1e3;
    write!(text, "{at:>9.3} ms  #{} {way}", entry.connection).expect("a String takes all");
}

fn body(text: &mut String, burst: &Burst, model: Option<Model>) {
    let octets = burst.octets.as_slice();
    match (burst.entry.leg, burst.entry.way, model) {
        (Leg::Upstream, _, Some(Model::FastCgi | Model::Cgi | Model::CgiWarm)) => {
            records(text, octets)
        }
        (Leg::Upstream, Way::Request, Some(Model::Uwsgi)) => packet(text, octets),
        (Leg::Upstream, Way::Request, Some(Model::Scgi)) => netstring(text, octets),
        _ => lines(text, octets),
    }
}

fn records(text: &mut String, octets: &[u8]) {
    let mut buf = BytesMut::from(octets);
    let mut params = Vec::new();
    while let Ok(Some(record)) = fastcgi::record::decode(&mut buf) {
        let length = record.content.len();
        let (kind, id) = (record.kind, record.request_id);
        let padding = match record.padding {
            0 => String::new(),
            octets => format!(", {octets} of padding"),
        };
        writeln!(text, "    {kind} id {id}, {length} octets{padding}").expect("a String takes all");
        match record.kind {
            fastcgi::Kind::PARAMS if length > 0 => params.extend_from_slice(&record.content),
            fastcgi::Kind::PARAMS => match fastcgi::pairs::decode_all(&std::mem::take(&mut params))
            {
                Ok(environ) => variables(text, &environ),
                Err(error) => {
                    writeln!(text, "      malformed: {error}").expect("a String takes all")
                }
            },
            kind => match fields(kind, &record.content) {
                Some(told) => writeln!(text, "      {told}").expect("a String takes all"),
                None => lines(text, &record.content),
            },
        }
    }
    rest(text, &buf, "incomplete or malformed record");
}

/// The content of a record that has a fixed layout, field by field (FastCGI 1.0 section 5), and
/// of management records their pairs.
fn fields(kind: fastcgi::Kind, content: &[u8]) -> Option<String> {
    use fastcgi::{BeginRequest, EndRequest, Kind, UnknownType};
    match kind {
        Kind::BEGIN_REQUEST => {
            let BeginRequest { role, flags } = BeginRequest::decode(content).ok()?;
            let named = match role {
                BeginRequest::RESPONDER => " (responder)",
                BeginRequest::AUTHORIZER => " (authorizer)",
                BeginRequest::FILTER => " (filter)",
                _ => "",
            };
            let keep = if flags & BeginRequest::KEEP_CONN == 0 {
                ""
            } else {
                " (keep-conn)"
            };
            Some(format!("role {role}{named}, flags {flags}{keep}"))
        }
        Kind::END_REQUEST => {
            let EndRequest {
                app_status,
                protocol_status,
            } = EndRequest::decode(content).ok()?;
            let named = match protocol_status.0 {
                0 => " (request complete)",
                1 => " (cannot multiplex)",
                2 => " (overloaded)",
                3 => " (unknown role)",
                _ => "",
            };
            let code = protocol_status.0;
            Some(format!(
                "app status {app_status}, protocol status {code}{named}"
            ))
        }
        Kind::UNKNOWN_TYPE => {
            let unknown = UnknownType::decode(content).ok()?;
            Some(format!("of type {}", unknown.kind.0))
        }
        Kind::GET_VALUES | Kind::GET_VALUES_RESULT => {
            let pairs = fastcgi::pairs::decode_all(content).ok()?;
            let pairs = pairs.iter();
            let told = pairs.map(|(name, value)| format!("{} = {}", shown(name), shown(value)));
            Some(told.collect::<Vec<_>>().join(", "))
        }
        _ => None,
    }
}

fn packet(text: &mut String, octets: &[u8]) {
    let mut buf = BytesMut::from(octets);
    match uwsgi::decode_request(&mut buf, usize::from(u16::MAX)) {
        Ok(Some((header, environ))) => {
            writeln!(
                text,
                "    packet modifier1 {}, datasize {}, modifier2 {}",
                header.modifier1, header.datasize, header.modifier2
            )
            .expect("a String takes all");
            variables(text, &environ);
            lines(text, &buf);
        }
        Ok(None) => lines(text, octets),
        Err(error) => malformed(text, octets, &error),
    }
}

fn netstring(text: &mut String, octets: &[u8]) {
    let mut buf = BytesMut::from(octets);
    match scgi::decode_request(&mut buf, 1 << 20) {
        Ok(Some(environ)) => {
            variables(text, &environ);
            lines(text, &buf);
        }
        Ok(None) => lines(text, octets),
        Err(error) => malformed(text, octets, &error),
    }
}

fn malformed(text: &mut String, octets: &[u8], error: &dyn std::error::Error) {
    writeln!(text, "    malformed: {error}").expect("a String takes all");
    lines(text, octets);
}

fn variables(text: &mut String, environ: &Environ) {
    for (name, value) in environ.iter() {
        writeln!(text, "      {} = {}", shown(name), shown(value)).expect("a String takes all");
    }
}

fn rest(text: &mut String, buf: &[u8], what: &str) {
    if !buf.is_empty() {
        writeln!(
            text,
            "    {what}: {} octets: {}",
            buf.len(),
            shown(&Bytes::copy_from_slice(buf))
        )
        .expect("a String takes all");
    }
}

fn lines(text: &mut String, octets: &[u8]) {
    let cut = octets.len().min(SHOWN);
    for line in octets[..cut].split_inclusive(|&octet| octet == b'\n') {
        writeln!(text, "      {}", line.escape_ascii()).expect("a String takes all");
    }
    if octets.len() > cut {
        writeln!(text, "      … {} octets more", octets.len() - cut).expect("a String takes all");
    }
}

fn shown(octets: &Bytes) -> String {
    let cut = octets.len().min(SHOWN);
    let more = if octets.len() > cut {
        format!(" … {} octets more", octets.len() - cut)
    } else {
        String::new()
    };
    format!("{}{more}", octets[..cut].escape_ascii())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn upstream(way: Way, octets: &[u8]) -> Entry {
        let happened = Happened::Octets(octets.to_vec());
        Entry {
            at: Duration::from_micros(1500),
            leg: Leg::Upstream,
            connection: 0,
            way,
            happened,
        }
    }

    #[test]
    fn fastcgi_records_are_told_one_by_one() {
        let wire = b"\x01\x01\0\x01\0\x08\0\0\0\x01\0\0\0\0\0\0\x01\x04\0\x01\0\x10\0\0\x0b\x03SERVER_PORT80\0\x01\x04\0\x01\0\0\0\0";
        let text = entries(&[upstream(Way::Request, wire)], Some(Model::FastCgi));
        assert!(text.contains("BEGIN_REQUEST id 1, 8 octets"), "{text}");
        assert!(text.contains(r"SERVER_PORT = 80\x00"), "{text}");
    }

    #[test]
    fn what_begins_and_ends_a_request_is_told_field_by_field() {
        let begin = b"\x01\x01\0\x01\0\x08\x03\0\0\x01\x01\0\0\0\0\0...";
        let text = entries(&[upstream(Way::Request, begin)], Some(Model::FastCgi));
        assert!(text.contains("8 octets, 3 of padding"), "{text}");
        assert!(
            text.contains("role 1 (responder), flags 1 (keep-conn)"),
            "{text}"
        );
        let end = b"\x01\x03\0\x01\0\x08\0\0\0\0\x01\0\x02\0\0\0";
        let text = entries(&[upstream(Way::Reply, end)], Some(Model::FastCgi));
        assert!(
            text.contains("app status 256, protocol status 2 (overloaded)"),
            "{text}"
        );
    }

    #[test]
    fn octets_that_come_in_pieces_are_decoded_as_one() {
        let whole = b"\0\x0d\0\0\x09\0PATH_INFO\0\0";
        let pieces = [
            upstream(Way::Request, &whole[..7]),
            upstream(Way::Request, &whole[7..]),
        ];
        let text = entries(&pieces, Some(Model::Uwsgi));
        assert!(
            text.contains("packet modifier1 0, datasize 13, modifier2 0"),
            "{text}"
        );
        assert!(text.contains("PATH_INFO = \n"), "{text}");
    }

    #[test]
    fn control_octets_are_escaped() {
        let text = entries(&[upstream(Way::Reply, b"a\x1b[31m\r\n")], None);
        assert!(text.contains(r"a\x1b[31m\r\n"), "{text}");
    }
}
