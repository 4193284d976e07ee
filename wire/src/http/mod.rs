//! HTTP/1.0 and HTTP/1.1 messages, read strictly (RFC 9112).
//!
//! Where the RFC lets a recipient choose between repair and refusal, this module
//! refuses: lines end in CR LF, a field is one line, a body has exactly one
//! length. A message that two readers could understand differently is how
//! requests are smuggled.

mod chunked;
mod error;
mod framing;
mod head;
mod percent;
mod status;

pub use chunked::{ChunkEvent, ChunkedDecoder, LAST_CHUNK, encode_chunk};
pub use error::HttpError;
pub use framing::Framing;
pub use head::{Limits, RequestHead, ResponseHead, Version, decode_request, decode_response};
pub use percent::{hex_digit, percent_decode};
pub use status::reason_phrase;

pub(crate) use head::status_code;

pub use crate::field::Header;
