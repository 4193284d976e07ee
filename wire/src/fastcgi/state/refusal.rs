//! Requests that are answered with nothing but their end.

use crate::fastcgi::ProtocolStatus;

/// Why an application server refuses a request.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum Refusal {
    /// Another role than the Responder's.
    #[error("its role is {0}, expected 1 (Responder)")]
    Role(u16),
    /// A second request on a connection that takes one at a time.
    #[error("another request is active on its connection")]
    Multiplexed,
    /// As many requests are active on its connection as may be.
    #[error("{0} requests are active on its connection")]
    TooMany(u32),
    /// The PARAMS stream exceeds the limit, in bytes.
    #[error("its PARAMS exceed {0} bytes")]
    ParamsTooLarge(usize),
    /// More parameters than the limit.
    #[error("it has more than {0} PARAMS")]
    TooManyParams(usize),
}

impl Refusal {
    /// What END_REQUEST says of it.
    pub fn status(&self) -> ProtocolStatus {
        match self {
            Self::Role(_) => ProtocolStatus::UNKNOWN_ROLE, // FCGI-5.5-UNKNOWN-ROLE
            Self::Multiplexed => ProtocolStatus::CANT_MPX_CONN, // FCGI-5.5-CANT-MPX
            // FCGI-5.5-OVERLOADED, FCGI-5.2-PARAMS-BIG
            Self::TooMany(_) | Self::ParamsTooLarge(_) | Self::TooManyParams(_) => {
                ProtocolStatus::OVERLOADED
            }
        }
    }
}
