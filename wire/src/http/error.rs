//! What a peer can break in an HTTP/1.1 message.

use crate::field::FieldFault;

/// The peer broke HTTP. Each variant carries what was seen.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum HttpError {
    /// A line ended in LF without CR.
    #[error("line {0} ends in a bare line feed")]
    BareLineFeed(String),
    /// The first line is not `method SP target SP version`.
    #[error("request line {0}, expected `method target HTTP/1.1`")]
    RequestLine(String),
    /// The first line is not `version SP status [SP reason]`.
    #[error("status line {0}, expected `HTTP/1.1 status reason`")]
    StatusLine(String),
    /// A version of HTTP that is not spoken here.
    #[error("protocol version {0}, expected HTTP/1.0 or HTTP/1.1")]
    Version(String),
    /// The first line alone exceeds the limit of the head, in bytes.
    #[error("first line longer than {0} bytes")]
    FirstLineTooLong(usize),
    /// The head exceeds the limit, in bytes.
    #[error("head longer than {0} bytes")]
    HeadTooLarge(usize),
    /// More fields than the limit.
    #[error("more than {0} header fields")]
    TooManyHeaders(usize),
    /// A field line that cannot be read in one way only.
    #[error("header field {line} is malformed: {fault}")]
    Field {
        /// What is wrong with it.
        fault: FieldFault,
        /// The line.
        line: String,
    },
    /// `Content-Length` is not decimal digits below 2^64.
    #[error("Content-Length {0}, expected decimal digits below 2^64")]
    BadLength(String),
    /// More than one `Content-Length`, equal or not.
    #[error("{0} Content-Length fields, expected one")]
    RepeatedLength(usize),
    /// Both `Content-Length` and `Transfer-Encoding`: two lengths for one body.
    #[error("both Content-Length and Transfer-Encoding")]
    LengthAndEncoding,
    /// `Transfer-Encoding` in an HTTP/1.0 message, which has no such thing.
    #[error("Transfer-Encoding in an HTTP/1.0 message")]
    EncodingInHttp10,
    /// The codings do not end in one `chunked`, so the body has no end.
    #[error("Transfer-Encoding {0} does not end in a single chunked")]
    EncodingWithoutEnd(String),
    /// A coding besides `chunked`.
    #[error("Transfer-Encoding {0}, expected chunked")]
    UnknownEncoding(String),
    /// A chunk-size line that is no hexadecimal number with extensions.
    #[error("chunk size line {0}, expected hexadecimal digits below 2^64")]
    ChunkSize(String),
    /// A chunk-size line beyond the limit, in bytes.
    #[error("chunk size line longer than {0} bytes")]
    ChunkSizeTooLong(usize),
    /// The data of a chunk is not followed by CR LF.
    #[error("chunk data followed by {0}, expected CR LF")]
    ChunkEnd(String),
}

impl HttpError {
    /// The status with which a server answers a request that is broken so.
    pub fn status(&self) -> u16 {
        match self {
            Self::FirstLineTooLong(_) => 414,
            Self::HeadTooLarge(_) | Self::TooManyHeaders(_) => 431,
            Self::UnknownEncoding(_) => 501,
            Self::Version(_) => 505,
            _ => 400,
        }
    }
}
