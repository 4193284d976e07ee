//! FastCGI 1.0, one part of the specification a module.
//!
//! [`record`] is the framing (section 3.3), [`pairs`] the name-value pairs (3.4),
//! [`params`] an environment as a stream of them (5.2), [`body`] the fixed bodies
//! (4.2, 5.1, 5.5).

pub mod body;
pub mod pairs;
pub mod params;
pub mod record;

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
}
