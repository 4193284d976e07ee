//! FastCGI records, whatever their headers claim.

use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};
use wire::fastcgi::{Kind, MAX_CONTENT, pairs};

use super::Decode;
use crate::{
    scenario::text::latin1,
    seats::recorder::stage::Taken,
    witness::recorded::{Param, Record},
};

/// A stream of records.
#[derive(Default)]
pub(super) struct Records {
    buf: BytesMut,
    /// Requests that were begun, by id.
    open: BTreeMap<u16, Open>,
}

/// A request whose input has not ended.
#[derive(Default)]
struct Open {
    request: usize,
    params: pairs::Decoder,
    /// Whether the last record of PARAMS ended within a pair.
    is_cut: bool,
}

/// Octets of a record's content that are kept.
const KEPT: usize = 64;

impl Decode for Records {
    fn feed(&mut self, octets: &[u8], taken: &mut Taken) -> Result<(), String> {
        self.buf.extend_from_slice(octets);
        while let Some((record, content)) = take(&mut self.buf) {
            self.record(record, &content, taken)?;
        }
        Ok(())
    }

    fn is_idle(&self) -> bool {
        self.open.is_empty() && self.buf.is_empty()
    }
}

/// Takes a record off the front, its version unread.
fn take(buf: &mut BytesMut) -> Option<(Record, Bytes)> {
    let &[
        version,
        kind,
        id_hi,
        id_lo,
        length_hi,
        length_lo,
        padding,
        reserved,
    ] = buf.first_chunk()?;
    let length = u16::from_be_bytes([length_hi, length_lo]);
    let whole = 8 + usize::from(length) + usize::from(padding);
    if buf.len() < whole {
        return None;
    }
    let content = buf
        .split_to(whole)
        .freeze()
        .slice(8..8 + usize::from(length));
    let record = Record {
        version,
        kind,
        id: u16::from_be_bytes([id_hi, id_lo]),
        length,
        padding,
        reserved,
        content: content[..content.len().min(KEPT)].to_vec(),
        ..Record::default()
    };
    Some((record, content))
}

impl Records {
    fn record(
        &mut self,
        mut record: Record,
        content: &Bytes,
        taken: &mut Taken,
    ) -> Result<(), String> {
        record.at = taken.now();
        let (kind, id) = (Kind(record.kind), record.id);
        if kind == Kind::BEGIN_REQUEST {
            let request = taken.begin(id);
            let open = Open {
                request,
                ..Open::default()
            };
            self.open.insert(id, open);
        }
        let Some(open) = self.open.get_mut(&id) else {
            return late(record, taken);
        };
        let request = open.request;
        taken.asked(request).records.push(record);
        match kind {
            Kind::PARAMS if content.is_empty() => {
                taken.asked(request).has_head = true;
                let params = std::mem::take(&mut open.params);
                params.finish().map_err(|error| error.to_string())?;
            }
            Kind::PARAMS => {
                open.params.push(content.clone());
                while let Some(pair) = open.params.next_pair() {
                    let length = pairs::encoded_len(&pair.name, &pair.value);
                    let asked = taken.asked(request);
                    asked.cuts_pairs |= open.is_cut && length <= MAX_CONTENT;
                    asked.params.push(of_pair(&pair));
                    open.is_cut = false;
                }
                // A record that ends where a pair does can be decoded on its own.
                open.is_cut = !open.params.is_between_pairs();
            }
            Kind::STDIN if content.is_empty() => {
                taken.asked(request).is_whole = true;
                self.open.remove(&id);
            }
            Kind::STDIN => taken.body(request, content),
            Kind::ABORT_REQUEST => {
                taken.asked(request).aborted = true;
                self.open.remove(&id);
            }
            _ => {}
        }
        Ok(())
    }
}

/// A record of a request whose input has ended, such as its abort, or of none.
fn late(record: Record, taken: &mut Taken) -> Result<(), String> {
    let is_abort = Kind(record.kind) == Kind::ABORT_REQUEST;
    let requests = &taken.line.requests;
    let of_it = requests.iter().rposition(|asked| asked.id == record.id);
    match of_it {
        Some(request) if record.id != 0 => {
            let is_open = !taken.is_answered(request);
            let asked = taken.asked(request);
            asked.records.push(record);
            asked.aborted |= is_abort && is_open;
        }
        _ => taken.line.strays.push(record),
    }
    Ok(())
}

fn of_pair(pair: &pairs::Pair) -> Param {
    let octets = |form| match form {
        pairs::LengthForm::Short => 1,
        pairs::LengthForm::Long => 4,
    };
    Param {
        name: latin1(&pair.name),
        value: latin1(&pair.value),
        forms: Some((octets(pair.name_form), octets(pair.value_form))),
    }
}
