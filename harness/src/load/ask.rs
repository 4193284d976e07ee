//! One request and what a good reply to it looks like.

use super::{Failure, reply::Reply};

/// A request that is sent over and over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// The bytes of one whole HTTP/1.1 request.
    pub request: Vec<u8>,
    /// Status of a good reply.
    pub status: u16,
    /// Length of a good reply's body in bytes; `None` takes any.
    pub body_len: Option<u64>,
}

impl Ask {
    /// Expects status 200 and any body.
    pub fn new(request: Vec<u8>) -> Self {
        Self {
            request,
            status: 200,
            body_len: None,
        }
    }

    /// The reply has no body, whatever its head says (RFC 9110 §9.3.2).
    pub(super) fn is_bodiless(&self) -> bool {
        self.request.starts_with(b"HEAD ")
    }

    /// It may be sent again (RFC 9110 §9.2.2).
    pub(super) fn is_idempotent(&self) -> bool {
        !self.request.starts_with(b"POST ") && !self.request.starts_with(b"PATCH ")
    }

    /// What is wrong with a whole reply, if anything.
    pub(super) fn objection(&self, reply: &Reply) -> Option<Failure> {
        if reply.status != self.status {
            return Some(Failure::Status {
                expected: self.status,
                actual: reply.status,
            });
        }
        let expected = self.body_len.filter(|&len| len != reply.body_len)?;
        Some(Failure::Body {
            expected,
            actual: reply.body_len,
        })
    }
}
