//! FastCGI records on their way out.

use bytes::{BufMut, BytesMut};
use wire::fastcgi::{BeginRequest, Kind};

use super::{Order, habits::Habits};

/// Most content of one record: what needs no padding.
const MOST: usize = 65_528;

/// A record before it is encoded; each part may be spoilt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Outbound {
    pub(in super::super) version: u8,
    pub(in super::super) kind: Kind,
    pub(in super::super) id: u16,
    pub(in super::super) content: Vec<u8>,
    /// What the header says of the content's length.
    pub(in super::super) length: [u8; 2],
    pub(in super::super) padding: u8,
    pub(in super::super) reserved: u8,
}

impl Outbound {
    /// A record as it should be, padded to a multiple of 8 octets.
    pub(in super::super) fn new(kind: Kind, id: u16, content: &[u8]) -> Self {
        let length = u16::try_from(content.len()).expect("a record's content is that short");
        Self {
            version: 1,
            kind,
            id,
            content: content.to_vec(),
            length: length.to_be_bytes(),
            padding: (length.wrapping_neg() & 7) as u8,
            reserved: 0,
        }
    }

    /// Whether it ends a stream of this kind.
    pub(in super::super) fn ends(&self, kind: Kind) -> bool {
        self.kind == kind && self.content.is_empty()
    }

    fn encode(&self, dst: &mut BytesMut) {
        let ([id_hi, id_lo], [hi, lo]) = (self.id.to_be_bytes(), self.length);
        dst.put_slice(&[self.version, self.kind.0, id_hi, id_lo]);
        dst.put_slice(&[hi, lo, self.padding, self.reserved]);
        dst.put_slice(&self.content);
        dst.put_bytes(0, usize::from(self.padding));
    }
}

/// BEGIN_REQUEST and all of PARAMS.
pub(super) fn opening(order: &Order) -> BytesMut {
    let (id, habits) = (order.habits.request_id, &order.habits);
    let flags = if habits.keeps {
        BeginRequest::KEEP_CONN
    } else {
        0
    };
    let begin = BeginRequest {
        role: BeginRequest::RESPONDER,
        flags,
    };
    let begin = Outbound::new(Kind::BEGIN_REQUEST, id, &begin.encode());
    let params = params(order);
    let params = params
        .iter()
        .map(|content| Outbound::new(Kind::PARAMS, id, content));
    let end = Outbound::new(Kind::PARAMS, id, b"");
    encoded([begin].into_iter().chain(params).chain([end]), habits)
}

/// The contents of the PARAMS records: no pair is cut that fits into one (FCGI-DF-PAIR-WHOLE).
fn params(order: &Order) -> Vec<Vec<u8>> {
    let mut contents: Vec<Vec<u8>> = Vec::new();
    for (name, value) in order.environ.iter() {
        let mut pair = BytesMut::new();
        (order.habits.pair)(name, value, &mut pair);
        match contents.last_mut() {
            Some(last) if last.len() + pair.len() <= MOST => last.extend_from_slice(&pair),
            _ => contents.extend(pair.chunks(MOST).map(<[u8]>::to_vec)),
        }
    }
    contents
}

/// A piece of the body.
pub(super) fn body(piece: &[u8], habits: &Habits) -> BytesMut {
    let pieces = piece.chunks(MOST);
    encoded(
        pieces.map(|piece| Outbound::new(Kind::STDIN, habits.request_id, piece)),
        habits,
    )
}

/// The end of the body.
pub(super) fn end(habits: &Habits) -> BytesMut {
    encoded([Outbound::new(Kind::STDIN, habits.request_id, b"")], habits)
}

/// The request is given up.
pub(super) fn abort(habits: &Habits) -> BytesMut {
    let abort = Outbound::new(Kind::ABORT_REQUEST, habits.request_id, b"");
    encoded([abort], habits)
}

fn encoded(records: impl IntoIterator<Item = Outbound>, habits: &Habits) -> BytesMut {
    let mut records: Vec<Outbound> = records.into_iter().collect();
    (habits.records)(&mut records);
    records.iter_mut().for_each(habits.record);
    let mut octets = BytesMut::new();
    records.iter().for_each(|record| record.encode(&mut octets));
    octets
}
