//! The uwsgi protocol: packet header and vars block (Protocol.rst of the uWSGI project).
//!
//! A request is one packet of variables, then as many octets of body as its
//! `CONTENT_LENGTH` says, then nothing. All sizes are little-endian.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::environ::Environ;

/// Length of a packet header in bytes.
pub const HEADER_LEN: usize = 4;

/// Most bytes of variables in one packet.
pub const MAX_BLOCK: usize = 65535;

/// The header of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacketHeader {
    /// What the packet is; 0 for a request to an application.
    pub modifier1: u8,
    /// Length of the block behind the header in bytes.
    pub datasize: u16,
    /// Detail of `modifier1`; 0 for a request.
    pub modifier2: u8,
}

/// The gateway broke the protocol. Each variant carries what was seen.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum UwsgiError {
    /// An HTTP request line where a packet was due (UWSGI-HDR-HTTP-MISTAKE).
    #[error("client speaks HTTP on a uwsgi socket; point an HTTP client at an HTTP socket instead")]
    SpeaksHttp,
    /// A block beyond the limit (UWSGI-HDR-APP-LIMIT).
    #[error("block of {datasize} bytes, expected at most {limit}")]
    TooLarge {
        /// Announced length in bytes.
        datasize: u16,
        /// The limit in bytes.
        limit: usize,
    },
    /// A key without a byte (UWSGI-VAR-KEY-NONEMPTY).
    #[error("empty key at byte {0} of the vars block")]
    EmptyKey(usize),
    /// A size that reaches beyond the block (UWSGI-VAR-OVERRUN).
    #[error("variable at byte {0} of the vars block runs past its end")]
    Overrun(usize),
}

/// The variables need more than the 65535 bytes that a packet can hold (UWSGI-HDR-64K).
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[error("request variables of {0} bytes do not fit into a uwsgi packet of 65535")]
pub struct TooBig(pub usize);

impl PacketHeader {
    /// The header at the front of `buf`, or `None` while it is incomplete. Takes nothing.
    pub fn decode(buf: &[u8]) -> Option<Self> {
        let &[modifier1, size_lo, size_hi, modifier2] = buf.first_chunk()?;
        let datasize = u16::from_le_bytes([size_lo, size_hi]);
        Some(Self {
            modifier1,
            datasize,
            modifier2,
        })
    }

    /// The bytes of the header.
    pub fn encode(&self) -> [u8; HEADER_LEN] {
        let [size_lo, size_hi] = self.datasize.to_le_bytes();
        [self.modifier1, size_lo, size_hi, self.modifier2]
    }
}

/// Takes one packet of variables off the front of `buf`, or `None` while it is
/// incomplete. The body, if any, stays in `buf`.
///
/// An empty block is an empty environment: what that means depends on the modifiers.
///
/// # Errors
/// A block beyond `max_block` bytes, or one that is no list of variables.
pub fn decode_request(
    buf: &mut BytesMut,
    max_block: usize,
) -> Result<Option<(PacketHeader, Environ)>, UwsgiError> {
    let Some(header) = PacketHeader::decode(buf) else {
        return Ok(None);
    };
    if starts_like_http(buf) {
        return Err(UwsgiError::SpeaksHttp);
    }
    let block_len = usize::from(header.datasize);
    if block_len > max_block {
        return Err(UwsgiError::TooLarge {
            datasize: header.datasize,
            limit: max_block,
        });
    }
    if buf.len() < HEADER_LEN + block_len {
        return Ok(None);
    }
    let mut block = buf.split_to(HEADER_LEN + block_len).freeze();
    block.advance(HEADER_LEN);
    Ok(Some((header, decode_vars(block)?)))
}

/// The variables of a whole block, which they share.
///
/// # Errors
/// Sizes that do not add up to the block, and empty keys.
pub fn decode_vars(mut block: Bytes) -> Result<Environ, UwsgiError> {
    let len = block.len();
    let mut environ = Environ::with_capacity(32);
    while !block.is_empty() {
        let at = len - block.len();
        let name = take_sized(&mut block).ok_or(UwsgiError::Overrun(at))?;
        if name.is_empty() {
            return Err(UwsgiError::EmptyKey(at));
        }
        let value = take_sized(&mut block).ok_or(UwsgiError::Overrun(at))?;
        environ.push(name, value);
    }
    Ok(environ)
}

/// Appends a packet of these variables. One without a name is left out, since
/// application servers drop the whole request over it (UWSGI-VAR-KEY-NONEMPTY).
///
/// # Errors
/// [`TooBig`]; nothing is appended then.
pub fn encode_request(
    environ: &Environ,
    modifier1: u8,
    modifier2: u8,
    dst: &mut BytesMut,
) -> Result<(), TooBig> {
    let named = || environ.iter().filter(|(name, _)| !name.is_empty());
    let block_len = named()
        .map(|(name, value)| 4 + name.len() + value.len())
        .sum();
    let datasize = u16::try_from(block_len).map_err(|_| TooBig(block_len))?;
    dst.reserve(HEADER_LEN + block_len);
    dst.put_slice(
        &PacketHeader {
            modifier1,
            datasize,
            modifier2,
        }
        .encode(),
    );
    for (name, value) in named() {
        put_sized(name, dst);
        put_sized(value, dst);
    }
    Ok(())
}

fn take_sized(block: &mut Bytes) -> Option<Bytes> {
    let size = block.try_get_u16_le().ok().map(usize::from)?;
    (size <= block.len()).then(|| block.split_to(size))
}

fn put_sized(bytes: &[u8], dst: &mut BytesMut) {
    let size = u16::try_from(bytes.len()).expect("the sum of all sizes was checked");
    dst.put_u16_le(size);
    dst.put_slice(bytes);
}

/// Whether the header is the start of an HTTP request line. None of these is a
/// packet: their first letters are no modifiers that carry variables.
fn starts_like_http(buf: &[u8]) -> bool {
    let methods: [&[u8; 4]; 7] = [
        b"GET ", b"POST", b"HEAD", b"PUT ", b"DELE", b"OPTI", b"PATC",
    ];
    methods.iter().any(|method| buf.starts_with(&method[..]))
}
