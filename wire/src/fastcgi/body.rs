//! The records whose content has a fixed layout of 8 bytes.

use super::{Kind, Malformed};

/// Content of `BEGIN_REQUEST` (FastCGI 1.0 section 5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BeginRequest {
    /// One of the role constants, or a role that does not exist.
    pub role: u16,
    /// Bit 0 is [`KEEP_CONN`](Self::KEEP_CONN); the others mean nothing (FCGI-5.1-FLAGS-OTHER).
    pub flags: u8,
}

/// Content of `END_REQUEST` (FastCGI 1.0 section 5.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndRequest {
    /// For a Responder the exit status that a CGI program would have had.
    pub app_status: u32,
    /// Whether the request was processed at all.
    pub protocol_status: ProtocolStatus,
}

/// Content of `UNKNOWN_TYPE` (FastCGI 1.0 section 4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownType {
    /// The type that was not understood.
    pub kind: Kind,
}

/// How a request ended for the protocol: any octet, since peers may send what does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ProtocolStatus(pub u8);

impl ProtocolStatus {
    /// Normal end.
    pub const REQUEST_COMPLETE: Self = Self(0);
    /// Refused: the application server serves one request a connection.
    pub const CANT_MPX_CONN: Self = Self(1);
    /// Refused: out of some resource.
    pub const OVERLOADED: Self = Self(2);
    /// Refused: the role is not known.
    pub const UNKNOWN_ROLE: Self = Self(3);
}

impl BeginRequest {
    /// The role of ordinary web applications.
    pub const RESPONDER: u16 = 1;
    /// The role that decides on access.
    pub const AUTHORIZER: u16 = 2;
    /// The role that transforms a file.
    pub const FILTER: u16 = 3;
    /// The flag with which the gateway keeps the connection.
    pub const KEEP_CONN: u8 = 1;

    /// Whether the connection stays open behind this request.
    pub fn keep_conn(&self) -> bool {
        self.flags & Self::KEEP_CONN != 0
    }

    /// Reads the content of a record; reserved bytes are ignored.
    ///
    /// # Errors
    /// [`Malformed::BodyLength`] if it has not 8 bytes.
    pub fn decode(content: &[u8]) -> Result<Self, Malformed> {
        let [role_hi, role_lo, flags, ..] = fixed(Kind::BEGIN_REQUEST, content)?;
        Ok(Self {
            role: u16::from_be_bytes([role_hi, role_lo]),
            flags,
        })
    }

    /// The content of a record.
    pub fn encode(&self) -> [u8; 8] {
        let [role_hi, role_lo] = self.role.to_be_bytes();
        [role_hi, role_lo, self.flags, 0, 0, 0, 0, 0]
    }
}

impl EndRequest {
    /// Reads the content of a record; reserved bytes are ignored.
    ///
    /// # Errors
    /// [`Malformed::BodyLength`] if it has not 8 bytes.
    pub fn decode(content: &[u8]) -> Result<Self, Malformed> {
        let [a, b, c, d, protocol_status, ..] = fixed(Kind::END_REQUEST, content)?;
        let protocol_status = ProtocolStatus(protocol_status);
        Ok(Self {
            app_status: u32::from_be_bytes([a, b, c, d]),
            protocol_status,
        })
    }

    /// The content of a record.
    pub fn encode(&self) -> [u8; 8] {
        let [a, b, c, d] = self.app_status.to_be_bytes();
        [a, b, c, d, self.protocol_status.0, 0, 0, 0]
    }
}

impl UnknownType {
    /// Reads the content of a record; reserved bytes are ignored.
    ///
    /// # Errors
    /// [`Malformed::BodyLength`] if it has not 8 bytes.
    pub fn decode(content: &[u8]) -> Result<Self, Malformed> {
        let [kind, ..] = fixed(Kind::UNKNOWN_TYPE, content)?;
        Ok(Self { kind: Kind(kind) })
    }

    /// The content of a record.
    pub fn encode(&self) -> [u8; 8] {
        [self.kind.0, 0, 0, 0, 0, 0, 0, 0]
    }
}

fn fixed(kind: Kind, content: &[u8]) -> Result<[u8; 8], Malformed> {
    content.try_into().map_err(|_| Malformed::BodyLength {
        kind,
        len: content.len(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_bytes_are_sent_as_zero_and_ignored() {
        let begin = BeginRequest {
            role: BeginRequest::RESPONDER,
            flags: 1,
        };
        assert_eq!(begin.encode(), *b"\0\x01\x01\0\0\0\0\0");
        assert_eq!(BeginRequest::decode(b"\0\x01\x01     "), Ok(begin));

        let protocol_status = ProtocolStatus::UNKNOWN_ROLE;
        let end = EndRequest {
            app_status: 938,
            protocol_status,
        };
        assert_eq!(end.encode(), *b"\0\0\x03\xaa\x03\0\0\0");
        assert_eq!(EndRequest::decode(b"\0\0\x03\xaa\x03\xff\xff\xff"), Ok(end));

        let unknown = UnknownType { kind: Kind(200) };
        assert_eq!(unknown.encode(), *b"\xc8\0\0\0\0\0\0\0");
        assert_eq!(UnknownType::decode(b"\xc8       "), Ok(unknown));
    }

    #[test]
    fn only_the_lowest_flag_keeps_the_connection() {
        let keeps = |flags| BeginRequest { role: 1, flags }.keep_conn();
        assert!(keeps(0xff));
        assert!(!keeps(0xfe));
    }

    #[test]
    fn other_lengths_are_refused() {
        for content in [&b""[..], b"1234567", b"123456789"] {
            let expected = Malformed::BodyLength {
                kind: Kind::BEGIN_REQUEST,
                len: content.len(),
            };
            assert_eq!(BeginRequest::decode(content), Err(expected));
        }
    }
}
