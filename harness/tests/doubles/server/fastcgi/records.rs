//! Records as they come.

use bytes::{Buf, Bytes};
use wire::fastcgi::{HEADER_LEN, Kind};

use super::super::{Site, Trouble, died, flaw::Flaw, peer::Incoming};

/// One record, its padding dropped.
pub(super) struct Record {
    pub(super) kind: Kind,
    pub(super) id: u16,
    pub(super) content: Bytes,
}

/// Takes one record off what came, or `None` while it is incomplete.
pub(super) fn decode(site: &Site, incoming: &mut Incoming) -> Result<Option<Record>, Trouble> {
    let cut = incoming.buf.len() < HEADER_LEN && incoming.last == 1;
    if cut && !incoming.buf.is_empty() && site.does(Flaw::RecordInOneRead) {
        return Err(Trouble::Gone);
    }
    let Some(&header) = incoming.buf.first_chunk::<HEADER_LEN>() else {
        return Ok(None);
    };
    let [
        version,
        kind,
        id_hi,
        id_lo,
        len_hi,
        len_lo,
        padding,
        reserved,
    ] = header;
    if version != 1 {
        // FCGI-3.3-VERSION-RECV
        return match site.does(Flaw::DiesOfOtherVersion) {
            true => Err(died()),
            false => Err(Trouble::Gone),
        };
    }
    if reserved != 0 && site.does(Flaw::ReservedRefused) {
        return Err(Trouble::Gone);
    }
    let length = usize::from(u16::from_be_bytes([len_hi, len_lo]));
    if length > 60_000 && site.does(Flaw::RecordsOf60K) {
        return Err(Trouble::Gone);
    }
    let padding = skipped(site, length, padding);
    if incoming.buf.len() < HEADER_LEN + length + padding {
        return Ok(None);
    }
    incoming.buf.advance(HEADER_LEN);
    let content = incoming.buf.split_to(length).freeze();
    incoming.buf.advance(padding);
    Ok(Some(Record {
        kind: Kind(kind),
        id: u16::from_be_bytes([id_hi, id_lo]),
        content,
    }))
}

/// The padding that is skipped: all of it (FCGI-3.3-PAD-SKIP).
fn skipped(site: &Site, length: usize, padding: u8) -> usize {
    match padding {
        8.. if site.does(Flaw::WidePaddingKept) => 0,
        _ if length == 0 && site.does(Flaw::EmptyPaddingKept) => 0,
        padding => padding.into(),
    }
}
