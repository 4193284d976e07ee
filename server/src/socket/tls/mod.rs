//! TLS on top of a socket, without an event loop of its own: bytes in, bytes out, and `WouldBlock`.

mod configure;
mod session;

pub use configure::TlsError;
pub(crate) use configure::{Secrets, configure};
pub(super) use session::Session;
