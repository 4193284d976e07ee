//! FastCGI records of both directions, by request id.

use std::time::Duration;

use bytes::BytesMut;
use wire::fastcgi::{BeginRequest, EndRequest, HEADER_LEN, Kind, Malformed, pairs::Decoder};

use super::{
    Pairs,
    conversation::{Conversation, Live, named, note_early},
    exchange::Ending,
};

/// Octets of PARAMS that are kept: 1 MiB.
const PARAMS: usize = 1 << 20;
/// Octets of STDERR that are kept.
const STDERR: usize = 16 * 1024;

/// A record where it lies.
struct Front<'a> {
    kind: Kind,
    request_id: u16,
    content: &'a [u8],
    /// All of it.
    raw: &'a [u8],
}

/// The record in front, or `None` while it is incomplete.
fn front(buf: &[u8]) -> Result<Option<Front<'_>>, Malformed> {
    if let Some(&version) = buf.first().filter(|&&version| version != 1) {
        return Err(Malformed::Version(version));
    }
    let Some(&[_, kind, id_hi, id_lo, len_hi, len_lo, padding, _]) = buf.first_chunk() else {
        return Ok(None);
    };
    let content = usize::from(u16::from_be_bytes([len_hi, len_lo]));
    let Some(raw) = buf.get(..HEADER_LEN + content + usize::from(padding)) else {
        return Ok(None);
    };
    Ok(Some(Front {
        kind: Kind(kind),
        request_id: u16::from_be_bytes([id_hi, id_lo]),
        content: &raw[HEADER_LEN..][..content],
        raw,
    }))
}

/// Reads every record out of what waits and what came; gives back what waits now. Most often nothing
/// waits, and nothing is copied.
fn records(
    mut waiting: BytesMut,
    octets: &[u8],
    mut each: impl FnMut(Result<Front<'_>, (Malformed, &[u8])>),
) -> BytesMut {
    let waited = !waiting.is_empty();
    if waited {
        waiting.extend_from_slice(octets);
    }
    let mut rest = if waited { &waiting[..] } else { octets };
    loop {
        match front(rest) {
            Ok(None) => break,
            Ok(Some(record)) => {
                rest = &rest[record.raw.len()..];
                each(Ok(record));
            }
            Err(error) => {
                each(Err((error, rest)));
                rest = &[];
            }
        }
    }
    match waited {
        true => waiting.split_off(waiting.len() - rest.len()),
        false => BytesMut::from(rest),
    }
}

/// Takes what the gateway sent.
pub(super) fn request(of: &mut Conversation, at: Duration, octets: &[u8]) {
    let waiting = std::mem::take(&mut of.request);
    of.request = records(waiting, octets, |read| {
        let record = match read {
            Ok(record) => record,
            Err((error, rest)) => {
                let half = &mut of.live().exchange.request;
                half.came(at, rest);
                half.flaw.get_or_insert_with(|| error.to_string());
                return;
            }
        };
        let live = match (record.kind, find(of, record.request_id)) {
            (_, Some(place)) => &mut of.open[place],
            (Kind::BEGIN_REQUEST, None) => of.begin(record.request_id),
            // The rest of a request that was answered before it was whole.
            (_, None) if of.early == Some(record.request_id) => return,
            (kind, None) if is_request(kind) => of.begin(record.request_id),
            (_, None) => return,
        };
        live.exchange.request.came(at, record.raw);
        live.exchange.request.records += 1;
        took(live, &record);
    });
}

fn is_request(kind: Kind) -> bool {
    matches!(kind, Kind::PARAMS | Kind::STDIN | Kind::GET_VALUES)
}

fn find(of: &Conversation, id: u16) -> Option<usize> {
    of.open.iter().position(|live| live.exchange.id == id)
}

fn took(live: &mut Live, record: &Front<'_>) {
    let exchange = &mut live.exchange;
    match record.kind {
        Kind::BEGIN_REQUEST => {
            if let Ok(begin) = BeginRequest::decode(record.content) {
                exchange.keep = begin.keep_conn();
            }
        }
        Kind::PARAMS if record.content.is_empty() => {
            match params(std::mem::take(&mut live.params)) {
                Ok(params) => exchange.params = params,
                Err(error) => exchange.request.flaw = Some(error.to_string()),
            }
            named(exchange);
        }
        Kind::PARAMS if live.params.len() < PARAMS => {
            live.params.extend_from_slice(record.content);
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

/// The pairs of a whole stream.
fn params(stream: Vec<u8>) -> Result<Pairs, Malformed> {
    let mut pairs = Pairs::with_capacity(32, stream.len());
    let mut decoder = Decoder::new();
    decoder.push(stream.into());
    while let Some(pair) = decoder.next_pair() {
        pairs.push(&pair.name, &pair.value);
    }
    decoder.finish()?;
    Ok(pairs)
}

/// Takes what the application server sent.
pub(super) fn reply(of: &mut Conversation, at: Duration, octets: &[u8]) {
    let waiting = std::mem::take(&mut of.reply);
    of.reply = records(waiting, octets, |read| {
        let record = match read {
            Ok(record) => record,
            Err((error, rest)) => {
                let half = &mut of.live().exchange.reply;
                half.came(at, rest);
                half.flaw.get_or_insert_with(|| error.to_string());
                return;
            }
        };
        let Some(place) = find(of, record.request_id) else {
            return;
        };
        let live = &mut of.open[place];
        note_early(live);
        live.exchange.reply.came(at, record.raw);
        live.exchange.reply.records += 1;
        if answered(live, &record) {
            let mut live = of.open.remove(place);
            live.exchange.ending = Ending::Complete;
            live.exchange.reply.whole = true;
            live.head.finish(&mut live.exchange);
            of.early = (!live.exchange.request.whole).then_some(record.request_id);
            of.finish(at, live);
        }
    });
}

/// Takes a record of the reply; whether it was the last.
fn answered(live: &mut Live, record: &Front<'_>) -> bool {
    let exchange = &mut live.exchange;
    match record.kind {
        Kind::STDOUT => {
            if !record.content.is_empty() {
                live.head.take(record.content, false, exchange);
            }
            false
        }
        Kind::STDERR => {
            if exchange.stderr.len() < STDERR {
                exchange
                    .stderr
                    .push_str(&String::from_utf8_lossy(record.content));
            }
            false
        }
        Kind::END_REQUEST => {
            let end = EndRequest::decode(record.content).ok();
            exchange.end_request = end.map(|end| (end.app_status, end.protocol_status.0));
            true
        }
        Kind::GET_VALUES_RESULT => true,
        _ => false,
    }
}
