//! FastCGI records as they come in, read by an own decoder since a fault may spoil each step.

use bytes::{Buf, Bytes, BytesMut};
use wire::fastcgi::{HEADER_LEN, Kind};

use super::{
    Broken,
    habits::{Habits, Padding},
};

/// A record that came.
#[derive(Clone, Debug)]
pub(in super::super) struct Inbound {
    pub(in super::super) kind: u8,
    pub(in super::super) id: u16,
    pub(in super::super) content: Bytes,
}

impl Inbound {
    /// Whether it is of this kind and of that request.
    pub(super) fn is(&self, kind: Kind, id: u16) -> bool {
        self.kind == kind.0 && self.id == id
    }
}

/// Takes one record off the front of `buf`, or `None` while it is incomplete.
pub(super) fn decode(buf: &mut BytesMut, habits: &Habits) -> Result<Option<Inbound>, Broken> {
    if buf
        .first()
        .is_some_and(|&first| !(habits.understands)(first))
    {
        return Err(Broken::Wire);
    }
    let Some(&[_, kind, id_hi, id_lo, hi, lo, padding, _]) = buf.first_chunk::<HEADER_LEN>() else {
        return partial(buf, habits);
    };
    let length = u16::from_be_bytes([hi, lo]);
    if length > habits.longest {
        return Err(Broken::Wire);
    }
    let (content, skipped) = split(kind, usize::from(length), usize::from(padding), habits);
    if buf.len() < HEADER_LEN + content + skipped {
        return partial(buf, habits);
    }
    buf.advance(HEADER_LEN);
    let content = buf.split_to(content).freeze();
    buf.advance(skipped);
    let id = u16::from_be_bytes([id_hi, id_lo]);
    Ok(Some(Inbound { kind, id, content }))
}

fn partial(buf: &BytesMut, habits: &Habits) -> Result<Option<Inbound>, Broken> {
    match habits.needs_whole_reads && !buf.is_empty() {
        true => Err(Broken::Wire),
        false => Ok(None),
    }
}

/// How much of a record is content, and how much behind it is skipped.
fn split(kind: u8, length: usize, padding: usize, habits: &Habits) -> (usize, usize) {
    let is_output = kind == Kind::STDOUT.0;
    match habits.padding {
        Padding::Content if is_output && length > 0 => (length + padding, 0),
        Padding::LeftWithoutContent if length == 0 => (length, 0),
        Padding::LeftAtEnd if kind == Kind::END_REQUEST.0 => (length, 0),
        _ => (length, padding),
    }
}
