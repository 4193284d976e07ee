//! Which protocol speaks on a socket: each is asked in its own words until one answers.

use std::{io, time::Duration};

use bytes::BytesMut;
use wire::fastcgi::{Kind, record, values};

use super::{
    Ask,
    call::{self, First},
    finding,
};
use crate::{
    address::{Address, Endpoint},
    decode,
    model::Model,
    tap::{Finding, diagnose::connect_trouble},
};

/// One question in one protocol, and what came.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Clue {
    /// What was sent.
    pub sent: String,
    /// What came back.
    pub came: String,
}

pub(super) struct Spoken {
    pub(super) found: Result<Model, Finding>,
    pub(super) clues: Vec<Clue>,
}

/// A question never waits longer than this for an answer: four of them may have to be asked.
const PATIENCE: Duration = Duration::from_secs(2);

/// Asks in the protocol that is said first, then in the others.
pub(super) fn who(at: &Endpoint, timeout: Duration) -> Spoken {
    let mut order = vec![Model::FastCgi, Model::Http, Model::Uwsgi, Model::Scgi];
    if let Some(told) = at.protocol {
        order.retain(|it| *it != told);
        order.insert(0, told);
    }
    let mut clues = Vec::new();
    let (mut weak, mut other) = (None, None);
    for protocol in order {
        for (sent, octets) in questions(protocol) {
            let came = match call::first(&at.address, &octets, timeout.min(PATIENCE)) {
                Ok(came) => came,
                Err(error) => {
                    let found = Err(unreachable(&at.address, &error));
                    return Spoken { found, clues };
                }
            };
            clues.push(Clue {
                sent: sent.to_owned(),
                came: words(&came),
            });
            if let First::Octets(octets) = &came {
                match is_own(protocol, octets) {
                    true if complains(octets) => weak = weak.or(Some(protocol)),
                    true => {
                        let found = Ok(protocol);
                        return Spoken { found, clues };
                    }
                    false => {}
                }
                other.get_or_insert_with(|| octets.clone());
            }
        }
    }
    if let Some(protocol) = weak {
        let found = Ok(protocol);
        return Spoken { found, clues };
    }
    let silent = clues.iter().all(|clue| clue.came == words(&First::Silent));
    let found = Err(nobody(other.as_deref(), silent));
    Spoken { found, clues }
}

fn questions(protocol: Model) -> Vec<(&'static str, Vec<u8>)> {
    let request = |of: Model| {
        let mut ask = Ask::get("/");
        ask.method = "HEAD".to_owned();
        ask.octets(of, None).unwrap_or_default()
    };
    match protocol {
        Model::FastCgi => {
            let names = ["FCGI_MAX_CONNS", "FCGI_MAX_REQS", "FCGI_MPXS_CONNS"];
            let mut octets = BytesMut::new();
            record::encode(Kind::GET_VALUES, 0, &values::query(&names), &mut octets);
            vec![
                ("FastCGI GET_VALUES", octets.to_vec()),
                ("FastCGI BEGIN_REQUEST, HEAD /", request(protocol)),
            ]
        }
        Model::Uwsgi => vec![("uwsgi packet, HEAD /", request(protocol))],
        Model::Scgi => vec![("SCGI netstring, HEAD /", request(protocol))],
        _ => vec![("HTTP/1.1 HEAD /", request(Model::Http))],
    }
}

/// Whether an answer to a question in `protocol` is one of its own.
fn is_own(protocol: Model, octets: &[u8]) -> bool {
    match protocol {
        Model::FastCgi => matches!(octets, [1, 3 | 6 | 7 | 10 | 11, ..]),
        Model::Http => octets.starts_with(b"HTTP/"),
        // Both answer with a head; an HTTP server that complains begins like uWSGI, but was asked before.
        _ => {
            octets.starts_with(b"HTTP/")
                || decode::recognise(octets).is_some_and(|it| it.protocol == Model::Scgi)
        }
    }
}

/// Whether an answer says no more than that the question was not understood: some servers say so in
/// their own words to every protocol, so that another one may be the right one.
fn complains(octets: &[u8]) -> bool {
    let line: String = octets.iter().take(16).map(|&it| char::from(it)).collect();
    let mut words = line.split(' ').skip(1);
    let status = words.next().unwrap_or_default();
    matches!(status, "400" | "414" | "431" | "501" | "505") && octets[0] != 1
}

fn words(came: &First) -> String {
    match came {
        First::Octets(octets) => match octets.as_slice() {
            [1, kind, ..] => match Kind(*kind).name() {
                Some(name) => format!("FastCGI record {name}"),
                None => format!("`{}`", decode::show_start(octets)),
            },
            octets => format!("`{}`", decode::show_start(octets)),
        },
        First::Closed => "closed without a word".to_owned(),
        First::Reset(_) => "reset".to_owned(),
        First::Silent => "nothing in time".to_owned(),
    }
}

/// Nobody takes the connection.
pub(super) fn unreachable(at: &Address, error: &io::Error) -> Finding {
    let why = error.to_string();
    let (cause, cure) = connect_trouble(&why);
    let rule = if at.kind() == "unix" {
        "DF-UNIX-SOCKET"
    } else {
        ""
    };
    let mut finding = finding("not-connected", rule, format!("{cause} ({why})"), cure);
    if let Address::Unix(path) = at
        && let Some(more) = super::files::closed_door(path)
        // That it is not there was said.
        && !more.starts_with(&format!("{}: ", path.display()))
    {
        finding.cause = format!("{} {more}", finding.cause);
    }
    finding
}

fn nobody(other: Option<&[u8]>, silent: bool) -> Finding {
    let (cause, cure) = match other {
        Some([0x15 | 0x16, 3, ..]) => (
            "TLS is spoken there: it answers plain octets with an alert.".to_owned(),
            "Use https:// in proxy_pass (suwsgi:// in uwsgi_pass), or the server's plain port.",
        ),
        Some(octets) => (
            format!(
                "None of FastCGI, uwsgi, SCGI and HTTP is spoken there: it answers `{}`.",
                decode::show_start(octets)
            ),
            "Another service has that address: compare the addresses of both configurations.",
        ),
        None if silent => (
            "The connection is taken, but no protocol gets an answer: every worker is busy or stuck, or the server waits for something else.".to_owned(),
            "Look whether its workers are busy (its status page or log), give it more of them, and set a limit (harakiri, request_terminate_timeout) so that a stuck one is replaced.",
        ),
        None => (
            "The connection is taken and closed whatever is said: the server dies on each request, refuses this client (listen.allowed_clients), or speaks another protocol.".to_owned(),
            "Read its log; php-fpm: listen.allowed_clients must name the gateway's address.",
        ),
    };
    finding("no-protocol", "", cause, cure)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complaint_in_words_of_another_protocol_is_no_proof() {
        assert!(complains(b"HTTP/1.1 400 Bad Request"));
        assert!(complains(b"Status: 400 Bad Request"));
        assert!(!complains(b"HTTP/1.1 404 Not Found"));
        assert!(!complains(b"\x01 400 "));
    }

    #[test]
    fn an_answer_counts_only_in_the_words_of_its_question() {
        assert!(is_own(Model::FastCgi, b"\x01\x0a\0\0\0\x30\0\0"));
        assert!(!is_own(Model::FastCgi, b"HTTP/1.1 400 Bad"));
        assert!(is_own(Model::Uwsgi, b"HTTP/1.1 200 OK"));
        assert!(is_own(Model::Scgi, b"Status: 200 OK\r\n"));
        assert!(!is_own(Model::Http, b"Status: 200 OK\r\n"));
        assert!(!is_own(Model::Uwsgi, b"SSH-2.0-OpenSSH_9"));
    }

    #[test]
    fn what_is_none_of_the_family_is_told_by_its_first_octets() {
        assert!(
            nobody(Some(b"\x15\x03\x01\x00\x02"), false)
                .cause
                .contains("TLS")
        );
        assert!(
            nobody(Some(b"SSH-2.0-x"), false)
                .cause
                .contains("SSH-2.0-x")
        );
        assert!(nobody(None, true).cause.contains("busy"));
    }
}
