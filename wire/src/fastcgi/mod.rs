//! FastCGI 1.0, one part of the specification a module.
//!
//! [`record`] is the framing (section 3.3), [`pairs`] the name-value pairs (3.4),
//! [`params`] an environment as a stream of them (5.2), [`body`] the fixed bodies
//! (4.2, 5.1, 5.5), [`values`] the management values (4.1) and [`state`] the life of
//! requests on a connection (5, 6).

pub mod body;
pub mod pairs;
pub mod params;
pub mod record;
pub mod state;
pub mod values;

pub use body::{BeginRequest, EndRequest, ProtocolStatus, UnknownType};
pub use record::{HEADER_LEN, Kind, MAX_CONTENT, Record};

/// The peer broke the protocol. Each variant carries what was seen.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum Malformed {
    /// A version of the protocol that does not exist (FCGI-3.3-VERSION-RECV).
    #[error("protocol version {0}, expected 1")]
    Version(u8),
    /// A fixed body of another length than 8 bytes (FCGI-5.1-BEGIN-BADLEN).
    #[error("{kind} with a body of {len} bytes, expected 8")]
    BodyLength {
        /// The type of the record.
        kind: Kind,
        /// The length of its content in bytes.
        len: usize,
    },
    /// The lengths of a pair reach beyond the stream (FCGI-3.4-NV-MALFORMED).
    #[error("name-value pair runs {0} bytes past the end of its stream")]
    PairOverrun(u64),
    /// BEGIN_REQUEST for a request that is active (FCGI-3.3-ID-DUP-BEGIN).
    #[error("BEGIN_REQUEST for request {0}, which is still active")]
    BeginTwice(u16),
    /// Another input before the end of PARAMS (FCGI-5.1-BEGIN-FIRST).
    #[error("{0} before the end of PARAMS")]
    BeforeParams(Kind),
    /// A record of a stream that has ended (FCGI-3.3-STREAM-AFTER-EOF).
    #[error("{0} after the end of that stream")]
    AfterEnd(Kind),
    /// Output of another request (FCGI-3.3-ID-MISMATCH).
    #[error("record for request {seen}, expected {expected}")]
    RequestId {
        /// The request that is running.
        expected: u16,
        /// The request that the record names.
        seen: u16,
    },
    /// A type that only the other side may send (FCGI-3.3-WRONG-DIRECTION).
    #[error("{0}, which only a gateway may send")]
    Direction(Kind),
}
