//! An environment as a PARAMS stream (FastCGI 1.0 section 5.2).

use bytes::{BufMut, BytesMut};

use super::pairs;
use super::record::{self, HEADER_LEN, Kind, MAX_ALIGNED};
use crate::environ::Environ;

/// Appends the whole PARAMS stream of a request, its end mark included.
///
/// Each pair lies inside one record as long as it fits, since some application
/// servers parse record by record (FCGI-DF-PAIR-WHOLE).
pub fn encode(request_id: u16, environ: &Environ, dst: &mut BytesMut) {
    let mut open = OpenRecord::start(request_id, dst);
    for (name, value) in environ.iter() {
        let len = pairs::encoded_len(name, value);
        if open.content_len() + len > MAX_ALIGNED {
            open = open.restart();
        }
        if len > MAX_ALIGNED {
            open.put_split(name, value);
        } else {
            pairs::encode(name, value, open.dst);
        }
    }
    open.close();
    record::encode_end(Kind::PARAMS, request_id, dst);
}

/// A record at the end of `dst` whose length is filled in when it is closed.
struct OpenRecord<'a> {
    request_id: u16,
    dst: &'a mut BytesMut,
    start: usize,
}

impl<'a> OpenRecord<'a> {
    fn start(request_id: u16, dst: &'a mut BytesMut) -> Self {
        let start = dst.len();
        dst.put_bytes(0, HEADER_LEN);
        Self {
            request_id,
            dst,
            start,
        }
    }

    fn content_len(&self) -> usize {
        self.dst.len() - self.start - HEADER_LEN
    }

    /// Writes a pair that no record holds across several.
    fn put_split(&mut self, name: &[u8], value: &[u8]) {
        let mut pair = BytesMut::new();
        pairs::encode(name, value, &mut pair);
        self.dst.truncate(self.start);
        record::encode_stream(Kind::PARAMS, self.request_id, &pair, self.dst);
        self.start = self.dst.len();
        self.dst.put_bytes(0, HEADER_LEN);
    }

    fn restart(self) -> Self {
        let (request_id, dst) = (self.request_id, self.close());
        Self::start(request_id, dst)
    }

    /// Fills in the header and pads, or takes the record back if it is empty,
    /// since that would end the stream.
    fn close(self) -> &'a mut BytesMut {
        let len = u16::try_from(self.content_len()).expect("content stays below MAX_ALIGNED");
        if len == 0 {
            self.dst.truncate(self.start);
            return self.dst;
        }
        let padding = record::padding(len);
        let header = record::header(Kind::PARAMS, self.request_id, len, padding);
        self.dst[self.start..self.start + HEADER_LEN].copy_from_slice(&header);
        self.dst.put_bytes(0, usize::from(padding));
        self.dst
    }
}
