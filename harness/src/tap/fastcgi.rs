//! FastCGI records of both directions, by request id.

use std::time::Duration;

use wire::fastcgi::{self, BeginRequest, EndRequest, Kind, Record};

use super::{
    conversation::{Conversation, Live, named, note_early},
    exchange::Ending,
};
use crate::scenario::text::latin1;

/// Octets of PARAMS that are kept: 1 MiB.
const PARAMS: usize = 1 << 20;
/// Octets of STDERR that are kept.
const STDERR: usize = 16 * 1024;

/// Takes what the gateway sent.
pub(super) fn request(of: &mut Conversation, at: Duration) {
    while let Some(raw) = front(&of.request) {
        let record = match fastcgi::record::decode(&mut of.request) {
            Ok(Some(record)) => record,
            Ok(None) => return,
            Err(error) => {
                let rest = of.request.split();
                let live = of.live();
                live.exchange.request.came(at, &rest);
                live.exchange
                    .request
                    .flaw
                    .get_or_insert_with(|| error.to_string());
                return;
            }
        };
        let live = match (record.kind, find(of, record.request_id)) {
            (_, Some(place)) => &mut of.open[place],
            (Kind::BEGIN_REQUEST, None) => of.begin(record.request_id),
            (kind, None) if is_request(kind) => of.begin(record.request_id),
            (_, None) => continue,
        };
        live.exchange.request.came(at, &raw);
        live.exchange.request.records += 1;
        took(live, &record);
    }
}

/// The octets of the record in front, all of them where they are no record; `None` while it is
/// incomplete.
fn front(buf: &[u8]) -> Option<Vec<u8>> {
    if buf.is_empty() || (buf[0] == 1 && buf.len() < fastcgi::HEADER_LEN) {
        return None;
    }
    if buf[0] != 1 {
        return Some(buf.to_vec());
    }
    let content = usize::from(u16::from_be_bytes([buf[4], buf[5]]));
    let whole = fastcgi::HEADER_LEN + content + usize::from(buf[6]);
    buf.get(..whole).map(<[u8]>::to_vec)
}

fn is_request(kind: Kind) -> bool {
    matches!(kind, Kind::PARAMS | Kind::STDIN | Kind::GET_VALUES)
}

fn find(of: &Conversation, id: u16) -> Option<usize> {
    of.open.iter().position(|live| live.exchange.id == id)
}

fn took(live: &mut Live, record: &Record) {
    let exchange = &mut live.exchange;
    match record.kind {
        Kind::BEGIN_REQUEST => {
            if let Ok(begin) = BeginRequest::decode(&record.content) {
                exchange.keep = begin.keep_conn();
            }
        }
        Kind::PARAMS if record.content.is_empty() => {
            match fastcgi::pairs::decode_all(&live.params) {
                Ok(environ) => {
                    let pairs = environ.iter();
                    exchange.params = pairs.map(|(n, v)| (latin1(n), latin1(v))).collect();
                }
                Err(error) => exchange.request.flaw = Some(error.to_string()),
            }
            live.params = Vec::new();
            named(exchange);
        }
        Kind::PARAMS if live.params.len() < PARAMS => {
            live.params.extend_from_slice(&record.content);
        }
        Kind::STDIN if record.content.is_empty() => exchange.request.whole = true,
        Kind::STDIN => exchange.request.body += record.content.len() as u64,
        Kind::GET_VALUES => {
            "GET_VALUES".clone_into(&mut exchange.method);
            exchange.request.whole = true;
        }
        _ => {}
    }
}

/// Takes what the application server sent.
pub(super) fn reply(of: &mut Conversation, at: Duration, octets: &[u8]) {
    of.reply.extend_from_slice(octets);
    while let Some(raw) = front(&of.reply) {
        let record = match fastcgi::record::decode(&mut of.reply) {
            Ok(Some(record)) => record,
            Ok(None) => return,
            Err(error) => {
                of.reply.clear();
                let live = of.live();
                live.exchange.reply.came(at, &raw);
                live.exchange
                    .reply
                    .flaw
                    .get_or_insert_with(|| error.to_string());
                return;
            }
        };
        let Some(place) = find(of, record.request_id) else {
            continue;
        };
        let live = &mut of.open[place];
        note_early(live);
        live.exchange.reply.came(at, &raw);
        live.exchange.reply.records += 1;
        if answered(live, &record) {
            let mut live = of.open.remove(place);
            live.exchange.ending = Ending::Complete;
            live.exchange.reply.whole = true;
            live.head.finish(&mut live.exchange);
            of.finish(at, live);
        }
    }
}

/// Takes a record of the reply; whether it was the last.
fn answered(live: &mut Live, record: &Record) -> bool {
    let exchange = &mut live.exchange;
    match record.kind {
        Kind::STDOUT => {
            if !record.content.is_empty() {
                live.head.take(&record.content, false, exchange);
            }
            false
        }
        Kind::STDERR => {
            if exchange.stderr.len() < STDERR {
                exchange
                    .stderr
                    .push_str(&String::from_utf8_lossy(&record.content));
            }
            false
        }
        Kind::END_REQUEST => {
            let end = EndRequest::decode(&record.content).ok();
            exchange.end_request = end.map(|end| (end.app_status, end.protocol_status.0));
            true
        }
        Kind::GET_VALUES_RESULT => true,
        _ => false,
    }
}
