//! Understands, while it flies by, what a gateway sends to a backend.

use bytes::{Buf, BytesMut};
use wire::{environ::Environ, fastcgi, scgi, uwsgi};

use crate::{model::Model, scenario::text::latin1, witness::Received};

/// Decodes one connection from gateway to backend.
pub(super) struct Watch {
    speaks: Speaks,
    buf: BytesMut,
    seen: Vec<Received>,
    params: Vec<u8>,
    /// FastCGI requests that were begun and whose body has not ended.
    open: u32,
    lost: bool,
}

#[derive(Clone, Copy)]
enum Speaks {
    FastCgi,
    /// Header not yet seen, then body to the end.
    Uwsgi,
    Scgi,
    /// Everything after a uwsgi or SCGI request head is its body.
    Body,
    Other,
}

impl Watch {
    /// A watch on a connection of `model`; CGI is carried over FastCGI.
    pub(super) fn new(model: Model) -> Self {
        let speaks = match model {
            Model::FastCgi | Model::Cgi | Model::CgiWarm => Speaks::FastCgi,
            Model::Uwsgi => Speaks::Uwsgi,
            Model::Scgi => Speaks::Scgi,
            Model::Http => Speaks::Other,
        };
        Self {
            speaks,
            buf: BytesMut::new(),
            seen: Vec::new(),
            params: Vec::new(),
            open: 0,
            lost: false,
        }
    }

    /// Takes what was sent next; what cannot be understood is left to the backend.
    pub(super) fn feed(&mut self, octets: &[u8]) {
        if self.lost || matches!(self.speaks, Speaks::Other) {
            return;
        }
        self.buf.extend_from_slice(octets);
        if self.decode().is_none() {
            self.lost = true;
        }
    }

    /// Whether what was begun is complete and another request may follow on the connection.
    pub(super) fn is_idle(&self) -> bool {
        match self.speaks {
            Speaks::FastCgi => !self.lost && self.open == 0 && self.buf.is_empty(),
            Speaks::Uwsgi | Speaks::Scgi | Speaks::Body => false,
            Speaks::Other => true,
        }
    }

    /// The requests seen so far.
    pub(super) fn seen(&self) -> &[Received] {
        &self.seen
    }

    fn decode(&mut self) -> Option<()> {
        match self.speaks {
            Speaks::FastCgi => {
                while let Some(record) = fastcgi::record::decode(&mut self.buf).ok()? {
                    self.record(&record)?;
                }
            }
            Speaks::Uwsgi => {
                if let Some((_, environ)) = uwsgi::decode_request(&mut self.buf, 65_535).ok()? {
                    self.request(&environ);
                    self.speaks = Speaks::Body;
                    return self.decode();
                }
            }
            Speaks::Scgi => {
                if let Some(environ) = scgi::decode_request(&mut self.buf, 1 << 20).ok()? {
                    self.request(&environ);
                    self.speaks = Speaks::Body;
                    return self.decode();
                }
            }
            Speaks::Body => {
                let size = self.buf.remaining();
                self.buf.clear();
                self.seen.last_mut()?.body_size += size as u64;
            }
            Speaks::Other => {}
        }
        Some(())
    }

    fn record(&mut self, record: &fastcgi::Record) -> Option<()> {
        match record.kind {
            fastcgi::Kind::BEGIN_REQUEST => self.open += 1,
            fastcgi::Kind::PARAMS if record.content.is_empty() => {
                let params = std::mem::take(&mut self.params);
                self.request(&fastcgi::pairs::decode_all(&params).ok()?);
            }
            fastcgi::Kind::PARAMS => self.params.extend_from_slice(&record.content),
            fastcgi::Kind::ABORT_REQUEST => self.open = self.open.saturating_sub(1),
            fastcgi::Kind::STDIN if record.content.is_empty() => {
                self.open = self.open.saturating_sub(1);
            }
            fastcgi::Kind::STDIN => self.seen.last_mut()?.body_size += record.content.len() as u64,
            _ => {}
        }
        Some(())
    }

    fn request(&mut self, environ: &Environ) {
        let params = environ
            .iter()
            .map(|(name, value)| (latin1(name), latin1(value)))
            .collect();
        self.seen.push(Received {
            params,
            body_size: 0,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uwsgi_request_is_told_from_its_body_in_any_cut() {
        let whole = b"\0\x0e\0\0\x09\0PATH_INFO\x01\0/body!";
        for size in [whole.len(), 1] {
            let mut watch = Watch::new(Model::Uwsgi);
            whole.chunks(size).for_each(|piece| watch.feed(piece));
            let path = vec![("PATH_INFO".to_owned(), "/".to_owned())];
            assert_eq!(
                watch.seen(),
                [Received {
                    params: path,
                    body_size: 5
                }],
                "in cuts of {size}"
            );
        }
    }

    #[test]
    fn two_fastcgi_requests_on_one_connection_are_two() {
        let one = b"\x01\x01\0\x01\0\x08\0\0\0\x01\x01\0\0\0\0\0\x01\x04\0\x01\0\x04\0\0\x01\x01A1\x01\x04\0\x01\0\0\0\0\x01\x05\0\x01\0\x02\0\0hi\x01\x05\0\x01\0\0\0\0";
        let mut watch = Watch::new(Model::FastCgi);
        watch.feed(one);
        watch.feed(one);
        let params = vec![("A".to_owned(), "1".to_owned())];
        let each = Received {
            params,
            body_size: 2,
        };
        assert_eq!(watch.seen(), [each.clone(), each]);
    }

    #[test]
    fn what_is_not_understood_is_not_guessed() {
        let mut watch = Watch::new(Model::FastCgi);
        watch.feed(b"GET / HTTP/1.1\r\n\r\n");
        assert_eq!(watch.seen(), []);
    }
}
