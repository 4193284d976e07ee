//! A reply that comes as octets to the end of its connection: CGI output as it is, an HTTP
//! message without what only concerned its connection.

use bytes::{BufMut, Bytes, BytesMut};
use probe::cgi::Ending;
use wire::http::{self, ChunkEvent, ChunkedDecoder, Framing, Limits, ResponseHead};

use super::{Broken, Order, habits::Habits};

/// How far a reply has come.
pub(super) struct Reply<'a> {
    habits: &'a Habits,
    method: Bytes,
    held: BytesMut,
    part: Part,
}

enum Part {
    Head,
    /// Octets to the end; what is left of the length, where the head told it.
    Octets(Option<u64>),
    Chunks(ChunkedDecoder),
    Over,
}

impl<'a> Reply<'a> {
    pub(super) fn new(order: &'a Order) -> Self {
        Self {
            habits: &order.habits,
            method: order.head.method.clone(),
            held: BytesMut::new(),
            part: Part::Head,
        }
    }

    /// Whether all that the head announced is there.
    pub(super) fn is_whole(&self) -> bool {
        matches!(self.part, Part::Over | Part::Octets(Some(0)))
    }

    /// Takes what came; what of it is passed on now.
    pub(super) fn take(&mut self, buf: &mut BytesMut) -> Result<Bytes, Broken> {
        let mut passed = BytesMut::new();
        if matches!(self.part, Part::Head) {
            (self.habits.reply)(buf);
            self.head(buf, &mut passed);
        }
        self.body(buf, &mut passed)?;
        if self.habits.holds_back {
            self.held.unsplit(passed);
            return Ok(Bytes::new());
        }
        Ok(passed.freeze())
    }

    /// Takes the end of the connection; what is passed on at last.
    pub(super) fn end(&mut self, buf: &mut BytesMut) -> Result<Bytes, Broken> {
        if matches!(self.part, Part::Head) {
            // No whole head, which is for the HTTP side to judge.
            self.part = Part::Octets(None);
        }
        let mut last = self.held.split();
        self.body(buf, &mut last)?;
        Ok(last.freeze())
    }

    /// How the reply ended with its connection.
    pub(super) fn ending(&self) -> Result<Ending, Broken> {
        match self.part {
            Part::Octets(None) if self.habits.end_cuts => Err(Broken::Wire),
            Part::Chunks(_) if !self.habits.cut_chunks_end => Err(Broken::Wire),
            _ => Ok(Ending::Exit(0)),
        }
    }

    /// Takes an HTTP head off the front, if that is what comes; other output begins as it is.
    fn head(&mut self, buf: &mut BytesMut, passed: &mut BytesMut) {
        const START: &[u8] = b"HTTP/";
        let seen = buf.len().min(START.len());
        if buf[..seen] != START[..seen] {
            self.part = Part::Octets(None);
            return;
        }
        loop {
            let before = buf.clone();
            match http::decode_response(buf, &Limits::default()) {
                Ok(None) => return,
                Ok(Some(head)) if is_interim(&head) && self.habits.skips_interim => {}
                Ok(Some(head)) => return self.begin(head, passed),
                Err(_) => {
                    *buf = before;
                    self.part = Part::Octets(None);
                    return;
                }
            }
        }
    }

    fn begin(&mut self, mut head: ResponseHead, passed: &mut BytesMut) {
        let framing = head.framing(&self.method);
        self.part = match framing {
            Ok(Framing::Chunked) if self.habits.decodes_chunks => {
                Part::Chunks(ChunkedDecoder::new())
            }
            Ok(Framing::Length(length)) => Part::Octets(Some(length)),
            // What cannot be framed is no reply: the HTTP side finds none (RFC 9112 section 6.3).
            Err(_) => {
                passed.put(&b"no reply\r\n\r\n"[..]);
                self.part = Part::Over;
                return;
            }
            _ => Part::Octets(None),
        };
        head.headers.retain(|field| !field.is("transfer-encoding"));
        head.encode(passed);
    }

    fn body(&mut self, buf: &mut BytesMut, passed: &mut BytesMut) -> Result<(), Broken> {
        match &mut self.part {
            Part::Head => {}
            Part::Over => buf.clear(),
            Part::Octets(left) => {
                let fits = match left {
                    Some(left) => usize::try_from(*left).unwrap_or(usize::MAX).min(buf.len()),
                    None => buf.len(),
                };
                if let Some(left) = left {
                    *left -= fits as u64;
                }
                passed.put(buf.split_to(fits));
            }
            Part::Chunks(decoder) => {
                while let Some(event) = decoder.decode(buf).map_err(|_| Broken::Wire)? {
                    match event {
                        ChunkEvent::Data(data) => passed.put(data),
                        ChunkEvent::End { .. } => {
                            self.part = Part::Over;
                            return Ok(());
                        }
                    }
                }
            }
        }
        Ok(())
    }
}

fn is_interim(head: &ResponseHead) -> bool {
    (100..200).contains(&head.status) && head.status != 101
}
